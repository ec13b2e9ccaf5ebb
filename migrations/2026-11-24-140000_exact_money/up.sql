-- Makes wrong money impossible, not only unlikely: holds name the grants they may spend, balances follow the ledger by
-- themselves, and what is decided stays.

-- Some credit never ends. Of a refunded one, what is set aside is taken back when its hold is resolved.
alter table grants
    alter column expires_at drop not null,
    add column reclaim_nanos bigint not null default 0 check (reclaim_nanos between 0 and remaining_nanos);

-- What a pending hold may spend of which grant. Goes when the hold is resolved or has expired.
create table hold_allocations (
    generation_id uuid not null references holds (generation_id),
    grant_id uuid not null references grants (id),
    amount_nanos bigint not null check (amount_nanos > 0),
    primary key (generation_id, grant_id)
);
create index hold_allocations_grant_id on hold_allocations (grant_id);

-- The order in which an account's entries were posted, whatever the clocks of the servers say.
alter table ledger_entries add column number bigint generated always as identity;
create unique index ledger_entries_number on ledger_entries (account_id, number);

-- The balance follows its entries, and nothing else.
create function add_to_balance() returns trigger language plpgsql as $$
begin
    update accounts set posted_nanos = posted_nanos + new.amount_nanos where id = new.account_id;
    return null;
end $$;
create trigger ledger_entries_move_the_balance after insert on ledger_entries
    for each row execute function add_to_balance();

create function refuse_balance_change() returns trigger language plpgsql as $$
begin
    raise exception 'a balance changes only with a ledger entry';
end $$;
create trigger balances_follow_the_ledger before update of posted_nanos on accounts
    for each row when (pg_trigger_depth() = 0 and old.posted_nanos is distinct from new.posted_nanos)
    execute function refuse_balance_change();

create trigger ledger_entries_are_kept before truncate on ledger_entries
    for each statement execute function refuse_change();

-- A hold is resolved once, and a final receipt is final.
create trigger resolved_holds_are_immutable before update on holds
    for each row when (old.state <> 'pending') execute function refuse_change();
create trigger holds_are_kept before delete on holds
    for each row execute function refuse_change();
create trigger final_usage_records_are_immutable before update on usage_records
    for each row when (not old.is_provisional) execute function refuse_change();
create trigger usage_records_are_kept before delete on usage_records
    for each row execute function refuse_change();

-- What a person wants to spend at most: in a calendar month, or in one conversation. No row: as the plan says.
create table spending_caps (
    account_id uuid not null references accounts (id),
    -- None: the cap of the month.
    thread_id uuid references threads (id),
    -- None: no cap, whatever the plan says.
    limit_nanos bigint check (limit_nanos > 0),
    -- False: only warns.
    is_hard boolean not null,
    updated_at timestamptz not null default now(),
    unique nulls not distinct (account_id, thread_id)
);

-- That spending passed a part of the month's cap, or of its credit where there is no cap. Told once.
create table spending_alerts (
    account_id uuid not null references accounts (id),
    month date not null,
    basis text not null check (basis in ('cap', 'credit')),
    percent smallint not null check (percent in (50, 80, 100)),
    created_at timestamptz not null default now(),
    dismissed_at timestamptz,
    primary key (account_id, month, basis, percent)
);

-- Sums of charges without a look at the rows: of an account in a month, and of everybody in a day.
create index usage_records_charges on usage_records (account_id, created_at) include (charged_nanos);
drop index usage_records_account_id;
create index usage_records_created_at on usage_records (created_at) include (charged_nanos);
