-- What operators look at, added up by day in UTC, so that a report costs what is on it however much was used. Nothing but
-- the job `add_up_days` writes here, a whole day at a time; everything can be added up again from what it is about.
create table day_totals (
    day date primary key,
    computed_at timestamptz not null,
    -- Records that may still be corrected: when there are more or fewer, the day is added up again.
    provisional_records bigint not null,
    -- Who asked for a reply, on the day and in the 30 days that end with it.
    active_people bigint not null,
    active_people_30_days bigint not null,
    new_people bigint not null,
    -- At the end of the day. None: it was before anybody looked.
    paying bigint,
    past_due bigint,
    recurring_nanos bigint,
    -- Who paid at its beginning and did not at its end.
    churned bigint
);

-- Replies, by how they ended.
create table usage_days (
    day date not null,
    model text not null,
    -- The route that answered; empty when none did.
    route_key text not null,
    -- As it was when the day was added up.
    plan text not null,
    state text not null,
    replies bigint not null,
    input_tokens bigint not null,
    cached_input_tokens bigint not null,
    output_tokens bigint not null,
    charged_nanos bigint not null,
    cost_nanos bigint not null,
    primary key (day, model, route_key, plan, state)
);

-- Who used how much.
create table account_days (
    account_id uuid not null references accounts (id),
    day date not null,
    replies bigint not null,
    input_tokens bigint not null,
    output_tokens bigint not null,
    charged_nanos bigint not null,
    cost_nanos bigint not null,
    primary key (account_id, day)
);
create index account_days_day on account_days (day, account_id) include (replies, charged_nanos, cost_nanos);

-- Every time a provider was asked.
create table attempt_days (
    day date not null,
    route_key text not null,
    outcome text not null,
    -- The first token came within so many milliseconds, and not within those of the step below; 0: none came.
    first_token_ms int not null,
    attempts bigint not null,
    primary key (day, route_key, outcome, first_token_ms)
);

-- Days on which an account cost us far more than it used to.
create table cost_explosions (
    day date not null,
    account_id uuid not null references accounts (id),
    charged_nanos bigint not null,
    cost_nanos bigint not null,
    usual_nanos bigint not null,
    primary key (day, account_id)
);

-- Who spent most in the 30 days that end with the last one added up.
create table top_spenders (
    account_id uuid primary key references accounts (id),
    replies bigint not null,
    input_tokens bigint not null,
    output_tokens bigint not null,
    charged_nanos bigint not null,
    cost_nanos bigint not null
);

-- Who paid how much a month, and since when; what changes on a day is as it was at its end.
create table paying_spans (
    account_id uuid not null references accounts (id),
    since date not null,
    -- The first day at whose end it was so no more.
    until date check (until >= since),
    monthly_nanos bigint not null,
    is_past_due boolean not null,
    primary key (account_id, since)
);
create unique index paying_spans_open on paying_spans (account_id) where until is null;

create index users_created_at on users (created_at);
