-- Operators see everything but what people write, and act on accounts.
alter table users
    add column is_operator boolean not null default false,
    -- In any of the person's browsers, also in those that are signed out since.
    add column last_seen_at timestamptz not null default now();
update users set last_seen_at = coalesce(
    (select max(last_seen_at) from sessions where sessions.user_id = users.id), users.created_at);

create function note_seen() returns trigger language plpgsql as $$
begin
    update users set last_seen_at = new.last_seen_at where id = new.user_id and last_seen_at < new.last_seen_at;
    return null;
end $$;
create trigger sessions_are_seen after insert or update of last_seen_at on sessions
    for each row execute function note_seen();

-- What operators decide about an account, whatever its plan says.
alter table accounts
    -- No AI; reading, export and billing stay open.
    add column suspended_at timestamptz,
    -- An unpaid subscription is borne at least until then.
    add column grace_until timestamptz;

-- Other limits than the plan's, until a moment. None: as the plan says.
create table limit_overrides (
    account_id uuid primary key references accounts (id),
    requests_per_minute int check (requests_per_minute > 0),
    requests_per_day int check (requests_per_day > 0),
    tokens_per_minute int check (tokens_per_minute > 0),
    concurrent_replies int check (concurrent_replies > 0),
    ends_at timestamptz not null,
    check (num_nonnulls(requests_per_minute, requests_per_day, tokens_per_minute, concurrent_replies) > 0)
);

-- An operator looks at the product as somebody else sees it, and changes nothing.
alter table sessions
    add column viewed_user_id uuid references users (id) on delete set null,
    add column viewing_until timestamptz,
    add check (viewed_user_id is null or viewing_until is not null);

-- Who did it (none: the person themself, or the system), to which account, what was before and after, why, and from where.
alter table audit_events
    add column operator_id uuid,
    add column account_id uuid,
    add column before jsonb,
    add column after jsonb,
    add column reason text not null default '',
    add column address text;
create index audit_events_operator_id on audit_events (operator_id, id) where operator_id is not null;
create index audit_events_kind on audit_events (kind, id);
create trigger audit_events_are_kept before truncate on audit_events
    for each statement execute function refuse_change();

-- What each account was charged in a calendar month, in UTC: follows the usage records, and nothing else.
create table account_months (
    month date not null,
    account_id uuid not null references accounts (id),
    charged_nanos bigint not null,
    primary key (account_id, month)
);
insert into account_months (month, account_id, charged_nanos)
    select date_trunc('month', created_at at time zone 'UTC')::date, account_id, sum(charged_nanos)
    from usage_records group by 1, 2;
create index account_months_charged on account_months (month, charged_nanos, account_id);

create function add_to_month() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' then
        update account_months set charged_nanos = charged_nanos - old.charged_nanos
        where account_id = old.account_id and month = date_trunc('month', old.created_at at time zone 'UTC')::date;
    end if;
    insert into account_months (month, account_id, charged_nanos)
    values (date_trunc('month', new.created_at at time zone 'UTC')::date, new.account_id, new.charged_nanos)
    on conflict (account_id, month) do update set charged_nanos = account_months.charged_nanos + excluded.charged_nanos;
    return null;
end $$;
create trigger usage_records_add_to_months after insert or update of charged_nanos, created_at on usage_records
    for each row execute function add_to_month();

-- Finding people, and the orders they are listed in. The newest come in the order of their ids.
create index users_name on users (lower(display_name) text_pattern_ops);
create index users_email on users (lower(email) text_pattern_ops);
create index users_last_seen_at on users (last_seen_at, id);
create index accounts_suspended_at on accounts (suspended_at) where suspended_at is not null;
