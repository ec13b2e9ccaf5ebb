create table threads (
    id uuid primary key,
    account_id uuid not null references accounts (id),
    title text not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz
);
create index threads_account_id on threads (account_id, updated_at desc) where deleted_at is null;

-- One attempt of the model to answer. The unique key makes a request sent twice one generation.
create table generations (
    id uuid primary key,
    account_id uuid not null references accounts (id),
    client_request_id uuid not null,
    thread_id uuid not null references threads (id),
    model text not null,
    state text not null default 'streaming'
        check (state in ('streaming', 'finished', 'limited', 'stopped', 'failed', 'interrupted')),
    -- What was said so far, saved from time to time: what a killed process leaves behind.
    checkpoint_text text not null default '',
    estimated_input_tokens int not null,
    -- Somebody wants it to end; also told by NOTIFY.
    stop_requested_at timestamptz,
    created_at timestamptz not null default now(),
    ended_at timestamptz,
    unique (account_id, client_request_id),
    check ((state = 'streaming') = (ended_at is null))
);
create index generations_thread_id on generations (thread_id);

-- A tree by parent_id; a thread shows the path to its newest message.
create table messages (
    id uuid primary key,
    thread_id uuid not null references threads (id),
    parent_id uuid references messages (id),
    role text not null check (role in ('user', 'assistant')),
    content text not null,
    -- Of an assistant's message: the generation that wrote it.
    generation_id uuid unique references generations (id),
    created_at timestamptz not null default now(),
    check ((role = 'assistant') = (generation_id is not null))
);
create index messages_thread_id on messages (thread_id, id);

-- What it answers: a person's message, or an answer it continues.
alter table generations add column parent_message_id uuid not null references messages (id) deferrable initially deferred;
