-- Which plans there are is a setting.
alter table accounts
    drop constraint accounts_plan_check,
    add constraint accounts_plan_check check (plan <> ''),
    -- From the first checkout on.
    add column stripe_customer_id text unique,
    -- The one page to pay for a subscription that is open, so that two can never be paid.
    add column checkout_session_id text,
    -- Each reading of the customer at Stripe has a number; what is read is written only while nothing newer is.
    add column billing_fence bigint not null default 0,
    add column billing_written bigint not null default 0 check (billing_written <= billing_fence);

-- The account's subscription as Stripe has it. Kept when it has ended.
create table subscriptions (
    account_id uuid primary key references accounts (id),
    id text not null unique,
    -- Stripe's word.
    status text not null,
    -- None: of a product we do not know.
    plan text,
    interval text not null check (interval in ('month', 'year')),
    amount_cents bigint not null,
    period_start timestamptz not null,
    period_end timestamptz not null,
    ends_at timestamptz,
    -- Since the oldest unpaid invoice.
    past_due_since timestamptz,
    grace_ends_at timestamptz,
    -- When it gives credit again.
    credit_resets_at timestamptz,
    -- What it changes to at the end of the period.
    next_plan text,
    next_interval text check (next_interval in ('month', 'year')),
    next_amount_cents bigint,
    next_at timestamptz,
    -- Where a change that waits for a payment is paid.
    unpaid_change_url text,
    card_brand text,
    card_last4 text,
    card_expires_month int,
    card_expires_year int,
    check ((past_due_since is null) = (grace_ends_at is null)),
    check (num_nulls(next_plan, next_interval, next_amount_cents, next_at) in (0, 4)),
    check (num_nulls(card_brand, card_last4, card_expires_month, card_expires_year) in (0, 4))
);

-- Invoices as Stripe has them: for people to look at, and for the revenue.
create table invoices (
    id text primary key,
    account_id uuid not null references accounts (id),
    subscription_id text,
    number text,
    -- Stripe's words.
    status text not null,
    billing_reason text,
    total_cents bigint not null,
    refunded_cents bigint not null default 0,
    created_at timestamptz not null,
    paid_at timestamptz,
    url text,
    pdf_url text
);
create index invoices_account_id on invoices (account_id, created_at);
create index invoices_paid_at on invoices (paid_at);

-- Packs of credit that were paid for.
create table purchases (
    -- Stripe's checkout session.
    id text primary key,
    account_id uuid not null references accounts (id),
    pack text not null,
    credit_nanos bigint not null check (credit_nanos > 0),
    amount_cents bigint not null,
    refunded_cents bigint not null default 0,
    bought_at timestamptz not null,
    receipt_url text
);
create index purchases_account_id on purchases (account_id, bought_at);

-- What Stripe told us, each event once, whatever its shape.
create table stripe_events (
    id text primary key,
    type text not null,
    api_version text,
    is_live boolean not null,
    -- None: it concerns no customer.
    customer_id text,
    payload jsonb not null,
    received_at timestamptz not null default now(),
    -- When what it may have changed was read from Stripe and written.
    processed_at timestamptz,
    error text
);
create index stripe_events_waiting on stripe_events (customer_id, received_at) where processed_at is null;
create index stripe_events_received_at on stripe_events (received_at);

-- Comparisons of everything with Stripe.
create table reconciliations (
    id uuid primary key,
    started_at timestamptz not null,
    finished_at timestamptz not null default now(),
    -- Events that no webhook had brought.
    missed_events int not null,
    -- Customers whose subscription was not as Stripe had it.
    drifted_customers int not null
);
create index reconciliations_started_at on reconciliations (started_at);
