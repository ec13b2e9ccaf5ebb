-- An account owns money and limits; people belong to it. Personal today, shared by a team later.
create table accounts (
    id uuid primary key,
    plan text not null check (plan in ('free')),
    -- Sum of the account's ledger entries, written with each entry under this row's lock.
    posted_nanos bigint not null default 0,
    created_at timestamptz not null default now()
);

create table users (
    id uuid primary key,
    account_id uuid not null references accounts (id),
    display_name text not null,
    email text,
    email_verified boolean not null default false,
    created_at timestamptz not null default now()
);
create index users_account_id on users (account_id);

-- Who somebody is, is (issuer, subject) and never an e-mail address.
create table identities (
    issuer text not null,
    subject text not null,
    user_id uuid not null references users (id) on delete cascade,
    provider_name text not null,
    created_at timestamptz not null default now(),
    primary key (issuer, subject)
);
create index identities_user_id on identities (user_id);

-- One row per sign-in under way: deleted by its callback, so it works once.
create table sign_in_flows (
    state_hash bytea primary key,
    browser_hash bytea not null,
    provider_key text not null,
    nonce text not null,
    pkce_verifier text not null,
    return_to text not null,
    expires_at timestamptz not null
);
create index sign_in_flows_expires_at on sign_in_flows (expires_at);

create table sessions (
    id uuid primary key,
    token_hash bytea not null unique,
    user_id uuid not null references users (id) on delete cascade,
    user_agent text not null,
    created_at timestamptz not null default now(),
    last_seen_at timestamptz not null default now(),
    expires_at timestamptz not null
);
create index sessions_user_id on sessions (user_id);

-- What happened to somebody's access: append-only, no e-mail addresses, no secrets.
create table audit_events (
    id uuid primary key,
    kind text not null,
    user_id uuid,
    request_id text not null,
    detail text not null default '',
    occurred_at timestamptz not null default now()
);
create index audit_events_user_id on audit_events (user_id, id);
