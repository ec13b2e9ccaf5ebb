-- Accounts and people, which it refers to, are locked meanwhile: rather give up, and be run again.
set local lock_timeout = '3s';

-- Keys that programs call the API with. Only the hash of one is kept: whoever makes it is shown it once.
create table api_keys (
    id uuid primary key,
    account_id uuid not null references accounts (id),
    -- Who made it.
    user_id uuid not null references users (id),
    name text not null check (char_length(name) between 1 and 80),
    hash bytea not null unique,
    -- Its last characters, by which people tell theirs apart.
    hint text not null check (char_length(hint) = 4),
    created_at timestamptz not null default now(),
    -- To the minute. Null: never.
    last_used_at timestamptz,
    revoked_at timestamptz
);
create index api_keys_live on api_keys (account_id, created_at) where revoked_at is null;
