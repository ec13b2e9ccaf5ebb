-- What somebody thinks of a reply.
create table ratings (
    message_id uuid not null references messages (id) on delete cascade,
    account_id uuid not null references accounts (id) on delete cascade,
    is_good boolean not null,
    rated_at timestamptz not null default now(),
    primary key (message_id, account_id)
);
create index ratings_account_id on ratings (account_id);
