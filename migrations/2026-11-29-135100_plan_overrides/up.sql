-- Another plan in the place of the account's, until a moment. None: the one it pays for, or Free.
create table plan_overrides (
    account_id uuid primary key references accounts (id),
    -- A key.
    plan text not null,
    ends_at timestamptz not null
);
