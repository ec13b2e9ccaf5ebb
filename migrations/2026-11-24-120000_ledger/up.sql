-- Money is in nano-dollars. Lock order: account, generation, hold, grants.

-- Credit with an end, burned soonest-expiring first.
create table grants (
    id uuid primary key,
    account_id uuid not null references accounts (id),
    cause text not null unique,
    amount_nanos bigint not null check (amount_nanos > 0),
    remaining_nanos bigint not null check (remaining_nanos between 0 and amount_nanos),
    expires_at timestamptz not null,
    created_at timestamptz not null default now()
);
create index grants_account_id on grants (account_id, expires_at);

-- Money set aside for a reply: resolved at most once, by a conditional update.
create table holds (
    generation_id uuid primary key references generations (id),
    account_id uuid not null references accounts (id),
    amount_nanos bigint not null check (amount_nanos >= 0),
    state text not null default 'pending' check (state in ('pending', 'posted', 'voided', 'expired')),
    expires_at timestamptz not null,
    created_at timestamptz not null default now(),
    resolved_at timestamptz,
    check ((state = 'pending') = (resolved_at is null))
);
create index holds_pending on holds (account_id, expires_at) where state = 'pending';

-- Immutable and signed. The cause is unique, so nothing is posted twice.
create table ledger_entries (
    id uuid primary key,
    account_id uuid not null references accounts (id),
    cause text not null unique,
    amount_nanos bigint not null,
    created_at timestamptz not null default now()
);
create index ledger_entries_account_id on ledger_entries (account_id, id);

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'rows of % are never changed', tg_table_name;
end $$;
create trigger ledger_entries_are_immutable before update or delete on ledger_entries
    for each row execute function refuse_change();
create trigger audit_events_are_immutable before update or delete on audit_events
    for each row execute function refuse_change();

-- What a reply used and what it cost: the person's receipt.
create table usage_records (
    generation_id uuid primary key references generations (id),
    account_id uuid not null references accounts (id),
    model text not null,
    input_tokens int not null check (input_tokens >= 0),
    output_tokens int not null check (output_tokens >= 0),
    is_estimated boolean not null,
    -- Written by the sweeper from a checkpoint; a settlement that comes after all corrects it.
    is_provisional boolean not null default false,
    charged_nanos bigint not null check (charged_nanos >= 0),
    created_at timestamptz not null default now()
);
create index usage_records_account_id on usage_records (account_id, created_at desc);
