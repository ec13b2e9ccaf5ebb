-- A made-up past for a developer's database: people, what they paid, and the replies they got, with books that add up.
-- Runs in one transaction, as `plumbline seed`, which sets seed.people, seed.records, seed.days and seed.plans.
--
-- Triggers and foreign keys are off, and indexes are made when the rows are there: with them it would take hours.
set local session_replication_role = replica;
set local synchronous_commit = off;
set local work_mem = '256MB';
set local maintenance_work_mem = '512MB';
select setseed(0.42);

create temporary table seed_indexes on commit drop as
select tables.relname as table_name, pg_index.indexrelid::regclass::text as name, constraints.conname,
    case when constraints.conname is null then pg_get_indexdef(pg_index.indexrelid) else
        format('alter table %I add constraint %I %s', tables.relname, constraints.conname,
            pg_get_constraintdef(constraints.oid)) end as definition
from pg_index
    join pg_class tables on tables.oid = pg_index.indrelid
    left join pg_constraint constraints on constraints.conindid = pg_index.indexrelid and constraints.contype = 'u'
where tables.relnamespace = 'public'::regnamespace and not pg_index.indisprimary
    and not exists (select from pg_constraint where contype = 'f' and conindid = pg_index.indexrelid)
    and tables.relname in ('threads', 'generations', 'messages', 'holds', 'ledger_entries', 'usage_records',
        'generation_attempts', 'grants', 'audit_events', 'users', 'sessions', 'account_months');

do $$
declare
    wanted record;
begin
    for wanted in select * from seed_indexes loop
        if wanted.conname is null then
            execute format('drop index %s', wanted.name);
        else
            execute format('alter table %I drop constraint %I', wanted.table_name, wanted.conname);
        end if;
    end loop;
end $$;

-- An id as the application makes them, which grow with time; `kind` keeps those of different tables apart.
create function pg_temp.seed_id(at timestamptz, kind int, number bigint) returns uuid language sql immutable as $$
    select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(kind), 3, '0')
        || '8000' || lpad(to_hex(number), 12, '0'))::uuid
$$;

create temporary table seed_plans on commit drop as
select * from jsonb_to_recordset(current_setting('seed.plans')::jsonb)
    as plan (key text, is_free boolean, credit_nanos bigint, month_cents bigint, year_cents bigint);

-- The two cheapest ways to each model: the second is taken when the first is overloaded.
create temporary table seed_models on commit drop as
select row_number() over (order by models.position) as number, models.key, price.version,
    price.input_nanos_per_million as input_price, price.cached_input_nanos_per_million as cached_price,
    price.output_nanos_per_million as output_price, routes.keys, routes.input_costs, routes.cached_costs,
    routes.output_costs
from models
    cross join lateral (
        select * from model_prices where model_key = models.key and effective_from <= now()
        order by effective_from desc, version desc limit 1
    ) price
    cross join lateral (
        select array_agg(key order by position) as keys,
            array_agg(input_nanos_per_million order by position) as input_costs,
            array_agg(cached_input_nanos_per_million order by position) as cached_costs,
            array_agg(output_nanos_per_million order by position) as output_costs
        from model_routes where model_key = models.key and is_enabled
    ) routes
where models.is_enabled and cardinality(routes.keys) > 0;

-- People: more of them every day, a few of whom do most. Many leave after a while; one in ten thousand is an operator.
create temporary table seed_people on commit drop as
with people as (
    select number, now() - (1 - sqrt(random())) * current_setting('seed.days')::int * interval '1 day'
            - interval '10 minutes' as created_at,
        random() as first, random() as last, random() as stays, random() as pays, random() as which, random() as begins,
        1 - random() as ends, random() as interval
    from generate_series(1, current_setting('seed.people')::int) as number
), payers as (
    select *,
        pays < case when number < current_setting('seed.people')::int / 10 then 0.25 else 0.025 end as has_paid,
        created_at + (now() - created_at) * begins * 0.6 as paid_since
    from people
), endings as (
    -- About one in twenty a month.
    select *, has_paid and paid_since - ln(ends) * interval '600 days' < now() as has_stopped from payers
), lives as (
    select *, case when has_stopped then paid_since - ln(ends) * interval '600 days' end as paid_until,
        case when has_paid and not has_stopped then now()
            else created_at + (now() - created_at) * least(1, 0.05 + stays * 1.6) end as active_until
    from endings
), shares as (
    select *, number ^ -0.5 * (0.05 + extract(epoch from active_until - created_at) / 86400
        / current_setting('seed.days')::int) as share
    from lives
)
select number, created_at, active_until, first, last, has_paid, interval < 0.2 as is_yearly,
    floor(current_setting('seed.records')::bigint * share / sum(share) over () + random())::int as replies,
    pg_temp.seed_id(created_at, 1, number) as user_id, pg_temp.seed_id(created_at, 2, number) as account_id,
    (select key from seed_plans where not is_free order by month_cents desc
        offset case when which < 0.1 then 0 else 1 end limit 1) as paid_plan,
    paid_since, paid_until, has_paid and not has_stopped and which > 0.97 as is_past_due
from shares;
create unique index on seed_people (number);

insert into accounts (id, plan, created_at, stripe_customer_id)
select account_id, case when has_paid and paid_until is null then paid_plan else (select key from seed_plans where is_free) end,
    created_at, case when has_paid then 'cus_seed' || number end
from seed_people order by created_at;

insert into users (id, account_id, display_name, email, email_verified, created_at, is_operator)
select user_id, account_id, given || ' ' || family, lower(given || '.' || family) || number || '@example.test', true,
    created_at, number % 10000 = 0
from seed_people cross join lateral (
    select (array['Ada', 'Alan', 'Amara', 'Anselm', 'Barbara', 'Bashir', 'Chidi', 'Clara', 'Dorothy', 'Edsger', 'Elena',
            'Emmy', 'Frances', 'Grace', 'Hedy', 'Ines', 'Jorge', 'Katherine', 'Leslie', 'Ling', 'Margaret', 'Mei', 'Niels',
            'Omar', 'Priya', 'Radia', 'Sofia', 'Tim', 'Yuki', 'Zora'])[1 + floor(first * 30)::int] as given,
        (array['Abiola', 'Bauer', 'Chandra', 'Dubois', 'Eriksen', 'Fischer', 'Garcia', 'Haddad', 'Ito', 'Jansen', 'Kowalski',
            'Lopez', 'Moreau', 'Nakamura', 'Okafor', 'Petrov', 'Quinn', 'Rossi', 'Sato', 'Tanaka', 'Urbina', 'Virtanen',
            'Weber', 'Yilmaz', 'Zhang'])[1 + floor(last * 25)::int] as family
) names
order by created_at;

insert into identities (issuer, subject, user_id, provider_name, created_at)
select 'https://seed.example', 'seed-' || user_id, user_id, 'Seed', created_at from seed_people order by created_at;

-- Replies: at working hours, half as many at weekends. What would be yet to come today has been earlier, or yesterday. A few
-- people have a day like no other.
create temporary table seed_times on commit drop as
select number, created_at, greatest(created_at, case
        when at > now() - interval '5 minutes' then
            case when random() < 0.5 then at - interval '1 day' else now() - (0.01 + random()) * (now() - now()::date) end
        when extract(isodow from at) > 5 and random() < 0.5 then at - interval '2 days'
        else at end) as at
from (
    select number, created_at,
        date_trunc('day', day) + interval '1 day' * (0.5 + (random() + random() - 1) * 0.45) as at
    from seed_people cross join lateral (
        select created_at + random() * (active_until - created_at) as day from generate_series(1, replies)
    ) days
    union all
    select number, created_at, now() - interval '1 day' * (number / 3000 % 25 + 1) + random() * interval '4 hours'
    from seed_people, generate_series(1, 800)
    where number % 3000 = 7 and created_at < now() - interval '30 days' and active_until = now()
) times;

create temporary table seed_replies on commit drop as
with placed as (
    select row_number() over (order by at) as n, number, created_at, at,
        row_number() over person as k, lag(at) over person as previous_at
    from seed_times window person as (partition by number order by at)
), chosen as (
    select *, random() as luck, random() as fallback, random() as size, random() as length,
        random() + random() + random() as delay,
        1 + floor(power(random(), 1.6) * (select count(*) from seed_models))::int as model
    from placed
), ended as (
    select *, case
            when luck < case when now()::date - at::date in (12, 95) then 0.15 else 0.015 end then 'failed'
            when luck < 0.022 then 'interrupted'
            when luck < 0.05 then 'stopped'
            when luck < 0.06 then 'limited'
            else 'finished' end as state,
        (300 + 6000 * power(size, 3))::int as input, (40 + 1200 * power(length, 2))::int as output
    from chosen
), used as (
    select *, case when state = 'failed' then 0 else input end as input_tokens,
        case when state = 'failed' then 0 when k % 8 = 1 then 0 else input / 2 end as cached_tokens,
        case when state = 'failed' then 0 else output end as output_tokens,
        (160 * exp(1.3 * (delay - 1.5)))::int as first_token_ms,
        at + (900 + output * 7) * interval '1 millisecond' as ended_at
    from ended
)
select n, used.number, k, at, ended_at, state, input_tokens, cached_tokens, output_tokens, first_token_ms,
    models.key as model, models.version, route, models.keys as routes,
    pg_temp.seed_id(at, 3, n) as generation_id, pg_temp.seed_id(at, 4, n) as question_id,
    pg_temp.seed_id(ended_at, 5, n) as answer_id,
    pg_temp.seed_id(created_at, 6, used.number * 100000::bigint + (k - 1) / 8) as thread_id,
    case when (k - 1) % 8 > 0 then previous_at end as previous_at,
    round(((input_tokens - cached_tokens) * input_price + cached_tokens * cached_price + output_tokens * output_price)
        / 1000000.0)::bigint as charged,
    round(((input_tokens - cached_tokens) * input_costs[route] + cached_tokens * cached_costs[route]
        + output_tokens * output_costs[route]) / 1000000.0)::bigint as cost
from used join seed_models models on models.number = used.model
    cross join lateral (select case when fallback < 0.03 and cardinality(keys) > 1 then 2 else 1 end as route) routed
order by n;
drop table seed_times;
analyze seed_replies, seed_people;

insert into threads (id, account_id, title, created_at, updated_at)
select thread_id, account_id, 'Conversation ' || (min(k) - 1) / 8 + 1, min(at), max(ended_at)
from seed_replies join seed_people using (number) group by thread_id, account_id order by min(at);

insert into generations (id, account_id, client_request_id, thread_id, parent_message_id, model, price_version, state,
    estimated_input_tokens, created_at, ended_at)
select generation_id, account_id, pg_temp.seed_id(at, 7, n), thread_id, question_id, model, version, state,
    input_tokens, at, ended_at
from seed_replies join seed_people using (number) order by n;

insert into messages (id, thread_id, parent_id, role, content, created_at)
select question_id, thread_id,
    case when previous_at is not null then lag(answer_id) over (partition by number order by k) end, 'user',
    'Question ' || n, at
from seed_replies order by n;

insert into messages (id, thread_id, parent_id, role, content, generation_id, created_at)
select answer_id, thread_id, question_id, 'assistant', case when state = 'failed' then '' else 'Answer ' || n end,
    generation_id, ended_at
from seed_replies order by n;

insert into holds (generation_id, account_id, amount_nanos, state, expires_at, created_at, resolved_at)
select generation_id, account_id, charged * 2, case when charged > 0 then 'posted' else 'voided' end,
    at + interval '30 seconds', at, ended_at
from seed_replies join seed_people using (number) order by n;

insert into usage_records (generation_id, account_id, model, input_tokens, output_tokens, is_estimated, charged_nanos,
    created_at, price_version, route_key, cached_input_tokens, cost_nanos)
select generation_id, account_id, model, input_tokens, output_tokens, state = 'stopped', charged, ended_at, version,
    case when state <> 'failed' then routes[route] end, cached_tokens, cost
from seed_replies join seed_people using (number) order by n;

insert into generation_attempts (generation_id, number, route_key, started_at, first_token_ms, duration_ms, outcome,
    input_tokens, output_tokens, cost_nanos)
select generation_id, attempt, routes[least(attempt, cardinality(routes))], at,
    case when attempt = route and state <> 'failed' then first_token_ms end,
    case when attempt = route then 900 + output_tokens * 7 else 250 end,
    case when attempt < route then 'overloaded' when state = 'failed' then 'unavailable' else state end,
    case when attempt = route and state <> 'failed' then input_tokens end,
    case when attempt = route and state <> 'failed' then output_tokens end,
    case when attempt = route then cost else 0 end
from seed_replies cross join lateral generate_series(1, route) as attempt
order by n, attempt;

-- Money: each month's credit pays for it, and packs for the rest. What is left of a past month's has ended.
create temporary table seed_months on commit drop as
select number, account_id, month, charged, least(charged, credit) as from_credit, credit, begun,
    case when is_paid then 'invoice:in_seed_' || number || '_' || to_char(month, 'YYYYMM')
        else 'free:' || account_id || ':' || to_char(month, 'YYYY-MM') end as cause,
    pg_temp.seed_id(begun, 8, number) as grant_id, pg_temp.seed_id(begun, 9, number) as pack_id,
    ceil(greatest(charged - credit, 0) / 10000000000.0)::bigint * 10000000000 as pack,
    month + interval '1 month' as ends
from (
    select number, account_id, date_trunc('month', ended_at at time zone 'UTC') at time zone 'UTC' as month,
        sum(charged)::bigint as charged, min(at) as begun,
        coalesce(bool_or(has_paid and paid_since <= at and (paid_until is null or paid_until > at)), false) as is_paid,
        min(paid_plan) as paid_plan
    from seed_replies join seed_people using (number) group by 1, 2, 3
) months
    cross join lateral (
        select credit_nanos as credit from seed_plans
        where case when is_paid then key = paid_plan else is_free end
    ) credits;

insert into grants (id, account_id, cause, amount_nanos, remaining_nanos, expires_at, created_at)
select grant_id, account_id, cause, credit, case when ends > now() then credit - from_credit else 0 end, ends, begun
from seed_months
union all
select pack_id, account_id, 'pack:cs_seed_' || number || '_' || to_char(month, 'YYYYMM'), pack,
    pack - (charged - from_credit), null, begun
from seed_months where pack > 0;

insert into purchases (id, account_id, pack, credit_nanos, amount_cents, bought_at)
select 'cs_seed_' || number || '_' || to_char(month, 'YYYYMM'), account_id, 'credit_10', pack, pack / 10000000, begun
from seed_months where pack > 0;

insert into ledger_entries (id, account_id, cause, amount_nanos, created_at)
select id, account_id, cause, amount, at from (
    select pg_temp.seed_id(begun, 10, number) as id, account_id, cause, credit as amount, begun as at from seed_months
    union all
    select pg_temp.seed_id(begun, 11, number), account_id, 'pack:cs_seed_' || number || '_' || to_char(month, 'YYYYMM'),
        pack, begun
    from seed_months where pack > 0
    union all
    select pg_temp.seed_id(ends, 12, number), account_id, 'expiry:' || grant_id, from_credit - credit, ends
    from seed_months where ends <= now() and from_credit < credit
    union all
    select pg_temp.seed_id(ended_at, 13, n), account_id, 'generation:' || generation_id, -charged, ended_at
    from seed_replies join seed_people using (number) where charged > 0
) entries
order by at;

update accounts set posted_nanos = posted
from (select account_id, sum(amount_nanos) as posted from ledger_entries group by 1) entries
where accounts.id = entries.account_id and posted_nanos <> posted;

insert into account_months (month, account_id, charged_nanos)
select (month at time zone 'UTC')::date, account_id, charged from seed_months;

update users set last_seen_at = seen
from (
    select user_id, coalesce(max(ended_at), created_at) as seen
    from seed_people left join seed_replies using (number) group by user_id, created_at
) people
where users.id = people.user_id;

insert into sessions (id, token_hash, user_id, user_agent, created_at, last_seen_at, expires_at)
select pg_temp.seed_id(last_seen_at, 14, number), sha256(convert_to(users.id::text, 'UTF8')), users.id,
    'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', last_seen_at, last_seen_at,
    last_seen_at + interval '30 days'
from users join seed_people on user_id = users.id
where last_seen_at > now() - interval '30 days';

insert into audit_events (id, kind, user_id, account_id, request_id, detail, occurred_at)
select pg_temp.seed_id(at, 15, number * 100::bigint + visit), 'signed_in', user_id, account_id, '', 'oidc', at
from seed_people cross join lateral (
    select visit, case when visit = 1 then created_at else created_at + random() * (now() - created_at) end as at
    from generate_series(1, 3) as visit
) visits
order by at;

-- Subscriptions, and what Stripe told of them.
create temporary table seed_periods on commit drop as
select number, account_id, plan.key as plan, is_yearly, paid_until, is_past_due, start,
    start + length as ends, case when is_yearly then year_cents else month_cents end as cents
from seed_people
    join seed_plans plan on plan.key = paid_plan
    cross join lateral (
        select case when is_yearly then interval '1 year' else interval '1 month' end as length
    ) lengths
    cross join lateral generate_series(paid_since, coalesce(paid_until, now()), length) as start
where has_paid;

insert into subscriptions (account_id, id, status, plan, interval, amount_cents, period_start, period_end,
    past_due_since, grace_ends_at, card_brand, card_last4, card_expires_month, card_expires_year)
select distinct on (number) account_id, 'sub_seed_' || number,
    case when paid_until is not null then 'canceled' when is_past_due then 'past_due' else 'active' end, plan,
    case when is_yearly then 'year' else 'month' end, cents, start, ends,
    case when is_past_due then start end, case when is_past_due then start + interval '40 days' end,
    'visa', '4242', 12, 2030
from seed_periods order by number, start desc;

insert into invoices (id, account_id, subscription_id, number, status, billing_reason, total_cents, created_at, paid_at)
select 'in_seed_' || number || '_' || to_char(start, 'YYYYMM'), account_id, 'sub_seed_' || number,
    'SEED-' || number || '-' || to_char(start, 'YYYYMM'), 'paid', 'subscription_cycle', cents, start, start
from seed_periods on conflict do nothing;

insert into stripe_events (id, type, api_version, is_live, customer_id, payload, received_at, processed_at)
select 'evt_seed_' || number || '_' || to_char(start, 'YYYYMM'), 'invoice.paid', '2025-01-01', false,
    'cus_seed' || number, jsonb_build_object('type', 'invoice.paid', 'amount', cents), start,
    start + interval '1 second'
from seed_periods where start > now() - interval '90 days' on conflict do nothing;

insert into paying_spans (account_id, since, until, monthly_nanos, is_past_due)
select account_id, (paid_since at time zone 'UTC')::date, (paid_until at time zone 'UTC')::date,
    case when is_yearly then year_cents * 10000000 / 12 else month_cents * 10000000 end, is_past_due
from seed_people join seed_plans on key = paid_plan where has_paid;

-- From the first day on it is known who paid.
insert into day_totals (day, computed_at, provisional_records, active_people, active_people_30_days, new_people, paying,
    past_due, recurring_nanos, churned)
select (min(created_at) at time zone 'UTC')::date, to_timestamp(0), 0, 0, 0, 0, 0, 0, 0, 0 from seed_people
on conflict do nothing;

-- Work done this week, and some that was given up.
insert into jobs (id, kind, payload, state, attempt, max_attempts, created_at, run_at, finished_at, last_error)
select pg_temp.seed_id(at, 16, number), case when number % 3 = 0 then 'sync_customer' else 'deliver_notice' end,
    jsonb_build_object('customer_id', 'cus_seed' || number), case when number % 500 = 0 then 'dead' else 'done' end,
    case when number % 500 = 0 then 5 else 1 end, 5, at, at, at + interval '1 second',
    case when number % 500 = 0 then 'a server that was away' end
from generate_series(1, least(20000, current_setting('seed.people')::int)) as number
    cross join lateral (select now() - number * interval '30 seconds' as at) times
order by at;

do $$
declare
    wanted record;
begin
    for wanted in select * from seed_indexes order by table_name, name loop
        execute wanted.definition;
    end loop;
end $$;
