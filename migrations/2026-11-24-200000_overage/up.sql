-- Pay as you go: what a person lets replies cost beyond their credit, and how much of that is used.
create table overages (
    account_id uuid primary key references accounts (id),
    -- For a billing period. None: switched off.
    cap_nanos bigint check (cap_nanos > 0),
    -- The billing period that used_nanos is of. None: nothing was ever used.
    period_start timestamptz,
    used_nanos bigint not null default 0 check (used_nanos >= 0),
    -- All that was ever used; its whole micro-dollars are what Stripe is told.
    total_nanos bigint not null default 0 check (total_nanos >= used_nanos)
);

-- What of a hold is beyond credit.
alter table holds
    add column overage_nanos bigint not null default 0,
    add constraint holds_overage_check check (overage_nanos between 0 and amount_nanos);

-- The subscription's item that is billed by the meter.
alter table subscriptions add column metered_item_id text;

-- Overage on its way to Stripe's meter: one for each ledger entry of overage, whose id is the identifier there.
create table meter_events (
    id uuid primary key references ledger_entries (id),
    account_id uuid not null references accounts (id),
    amount_nanos bigint not null check (amount_nanos > 0),
    -- Whole micro-dollars, with what earlier events left over.
    units bigint not null check (units >= 0),
    occurred_at timestamptz not null,
    period_start timestamptz not null,
    -- How much the period's overage could come to when this was posted.
    limit_nanos bigint not null check (limit_nanos >= amount_nanos),
    attempts int not null default 0,
    first_tried_at timestamptz,
    -- Stripe has it.
    sent_at timestamptz,
    -- Stripe will never have it.
    refused_at timestamptz,
    error text,
    check (sent_at is null or refused_at is null)
);
create index meter_events_account_id on meter_events (account_id, occurred_at);
create index meter_events_occurred_at on meter_events (occurred_at);
create index meter_events_waiting on meter_events (id)
    where sent_at is null and refused_at is null and units > 0;
create trigger meter_events_are_immutable
    before update of id, account_id, amount_nanos, units, occurred_at, period_start, limit_nanos on meter_events
    for each row execute function refuse_change();
create trigger meter_events_are_kept before delete on meter_events
    for each row execute function refuse_change();

-- What a provider of models says we used, as it was imported.
create table provider_usage (
    provider text not null,
    -- In the provider's words.
    model text not null,
    -- In UTC.
    day date not null,
    requests bigint not null check (requests >= 0),
    input_tokens bigint not null check (input_tokens >= 0),
    cached_input_tokens bigint not null check (cached_input_tokens between 0 and input_tokens),
    output_tokens bigint not null check (output_tokens >= 0),
    cost_nanos bigint,
    imported_at timestamptz not null default now(),
    primary key (provider, model, day)
);

-- Comparisons other than that of events and subscriptions, and what they found.
alter table reconciliations
    add column kind text not null default 'billing' check (kind in ('billing', 'meter', 'four_way')),
    add column findings jsonb not null default '[]';
