-- What the last audit of the money found: a row for each invariant.
create table money_audits (
    invariant text primary key,
    violations bigint not null,
    checked_at timestamptz not null default now()
);
