-- Work to be done later, at least once: enqueued in the transaction that causes it.
create table jobs (
    id uuid primary key,
    kind text not null,
    payload jsonb not null,
    state text not null default 'ready' check (state in ('ready', 'running', 'done', 'dead')),
    -- No two jobs wait with the same one.
    unique_key text,
    -- No two jobs run at a time with the same one.
    serial_key text,
    run_at timestamptz not null default now(),
    -- Grows with each lease, so that a worker that lost its lease can be told apart.
    attempt int not null default 0,
    max_attempts int not null check (max_attempts > 0),
    leased_until timestamptz,
    last_error text,
    created_at timestamptz not null default now(),
    finished_at timestamptz,
    check ((state = 'running') = (leased_until is not null)),
    check ((state in ('done', 'dead')) = (finished_at is not null))
);
create unique index jobs_unique_key on jobs (kind, unique_key) where state = 'ready';
create unique index jobs_serial_key on jobs (serial_key) where state = 'running';
create index jobs_ready on jobs (run_at) where state = 'ready';
create index jobs_leased_until on jobs (leased_until) where state = 'running';
create index jobs_finished_at on jobs (finished_at) where state in ('done', 'dead');

-- The times at which scheduled work was enqueued: once each, whoever looked at the clock.
create table schedule_slots (
    name text not null,
    slot timestamptz not null,
    primary key (name, slot)
);
