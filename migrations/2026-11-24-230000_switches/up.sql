-- What operators turn off for a while. A switch without a row is off.
create table switches (
    key text primary key,
    is_on boolean not null,
    changed_at timestamptz not null default now()
);

-- Turned off by an operator, whatever the catalog's file says.
alter table models add column is_off boolean not null default false;
