-- The catalog: seeded from a file when empty, ruled from here afterwards.
create table models (
    key text primary key,
    name text not null,
    description text not null,
    context_tokens int not null check (context_tokens > 0),
    max_output_tokens int not null check (max_output_tokens > 0),
    -- An answer that could not even be so long is not begun.
    min_output_tokens int not null check (min_output_tokens > 0),
    position int not null,
    is_enabled boolean not null default true
);

-- What people pay, in nano-dollars per million tokens. A new price is a new version.
create table model_prices (
    model_key text not null references models (key),
    version int not null,
    input_nanos_per_million bigint not null check (input_nanos_per_million between 0 and 1000000000000000),
    cached_input_nanos_per_million bigint not null check (cached_input_nanos_per_million between 0 and 1000000000000000),
    output_nanos_per_million bigint not null check (output_nanos_per_million between 0 and 1000000000000000),
    effective_from timestamptz not null default now(),
    primary key (model_key, version)
);

-- Where answers come from, in the order they are tried, and what they cost us.
create table model_routes (
    key text primary key,
    model_key text not null references models (key),
    position int not null,
    provider text not null check (provider in ('openai', 'anthropic')),
    base_url text not null,
    upstream_model text not null,
    -- The name of the environment variable that holds the key; the key itself is never stored.
    api_key_variable text not null,
    input_nanos_per_million bigint not null check (input_nanos_per_million >= 0),
    cached_input_nanos_per_million bigint not null check (cached_input_nanos_per_million >= 0),
    output_nanos_per_million bigint not null check (output_nanos_per_million >= 0),
    is_enabled boolean not null default true
);
create index model_routes_model_key on model_routes (model_key, position);

create table plan_models (
    plan text not null,
    model_key text not null references models (key),
    primary key (plan, model_key)
);

alter table generations add column price_version int not null default 1;
alter table messages add column reasoning text not null default '';
alter table usage_records
    add column price_version int not null default 1,
    -- The route that answered; none when all failed.
    add column route_key text,
    add column cached_input_tokens int not null default 0 check (cached_input_tokens >= 0),
    add column reasoning_tokens int not null default 0 check (reasoning_tokens >= 0),
    -- What all attempts cost us.
    add column cost_nanos bigint not null default 0;

-- Every time a provider was asked for a reply. The person pays for one.
create table generation_attempts (
    generation_id uuid not null references generations (id),
    number int not null,
    route_key text not null,
    started_at timestamptz not null,
    first_token_ms int,
    duration_ms int not null,
    outcome text not null,
    input_tokens int,
    output_tokens int,
    cost_nanos bigint not null,
    primary key (generation_id, number)
);
