-- What went back to customers, as Stripe has it: refunds, and disputes also when they were won.
create table money_back (
    -- Stripe's.
    id text primary key,
    account_id uuid not null references accounts (id),
    kind text not null check (kind in ('refund', 'dispute')),
    amount_cents bigint not null,
    -- Both in Stripe's words.
    status text not null,
    reason text,
    created_at timestamptz not null
);
create index money_back_created_at on money_back (created_at);
create index money_back_account_id on money_back (account_id);
