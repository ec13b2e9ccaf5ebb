-- What people are told about their account: written with the change that causes it, and sent by a job.
create table notices (
    id uuid primary key,
    account_id uuid not null references accounts (id),
    kind text not null check (kind in ('receipt', 'payment_failed', 'card_expiring', 'plan_changed', 'budget_alert')),
    -- What it is about: told once, however often that is learned.
    cause text not null unique,
    -- Amounts, days and plans. No secrets, no addresses.
    facts jsonb not null,
    created_at timestamptz not null default clock_timestamp(),
    -- A mail server has taken it.
    mailed_at timestamptz,
    -- No mail can or shall be sent, so the app tells it.
    kept_at timestamptz,
    dismissed_at timestamptz,
    check (mailed_at is null or kept_at is null)
);
create index notices_shown on notices (account_id, created_at) where kept_at is not null and dismissed_at is null;

-- The kinds of mail somebody does not want.
create table mail_opt_outs (
    user_id uuid not null references users (id) on delete cascade,
    kind text not null check (kind in ('card_expiring', 'budget_alert')),
    created_at timestamptz not null default now(),
    primary key (user_id, kind)
);

-- The links in mails that let their reader choose which mails to get, without a session.
create table mail_links (
    token_hash bytea primary key,
    user_id uuid not null references users (id) on delete cascade,
    created_at timestamptz not null default now()
);
create index mail_links_created_at on mail_links (created_at);
