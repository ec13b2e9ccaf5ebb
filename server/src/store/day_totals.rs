//! Days added up for reports, each as a whole and in one transaction, so that adding one up again changes nothing else.
//! What the numbers are about is only read.

use std::time::Duration;

use chrono::NaiveDate;
use diesel::sql_types::{Array, BigInt, Date, Integer, Timestamptz};
use diesel_async::{AsyncConnection, RunQueryDsl};

use app::types::Days;

use super::clock::today;
use super::{Connection, StoreError, StoreResult, allow_long_statements, rating_days};
use crate::percentiles::STEPS_MS;

/// A day of a million replies needs seconds.
const LONGEST_QUERY: Duration = Duration::from_secs(300);

/// When a day's cost of an account is an explosion: it comes to more than the floor, and to more than so many times what is
/// usual, the median of the 14 days before.
pub const EXPLOSION_FACTOR: i64 = 10;
pub const EXPLOSION_FLOOR_NANOS: i64 = 1_000_000_000;

/// So many of those who spent most are kept.
const TOP_SPENDERS: i64 = 50;

/// The days to be added up, oldest first: those that were never added up since they are over for a day (until then something
/// may still come in), and those of which records were corrected since.
pub async fn list_due(conn: &mut Connection) -> StoreResult<Vec<NaiveDate>> {
    let rows: Vec<DayRow> = diesel::sql_query(
        "with first as (
            select least(
                (select min(created_at) from usage_records), (select min(created_at) from users), now()) as at
         ), days as (
            select day::date from first, generate_series(
                (at at time zone 'UTC')::date, (now() at time zone 'UTC')::date, interval '1 day') as day
         ), provisional as (
            select (created_at at time zone 'UTC')::date as day, count(*) as records
            from usage_records where is_provisional group by 1
         )
         select days.day from days left join day_totals using (day) left join provisional using (day)
         where coalesce(day_totals.computed_at < (days.day + 2)::timestamp at time zone 'UTC', true)
             or day_totals.provisional_records <> coalesce(provisional.records, 0)
         order by days.day",
    )
    .load(conn)
    .await?;
    Ok(rows.into_iter().map(|row| row.day).collect())
}

#[derive(diesel::QueryableByName)]
struct DayRow {
    #[diesel(sql_type = Date)]
    day: NaiveDate,
}

/// Adds up a day, whatever was known of it.
pub async fn add_up(conn: &mut Connection, day: NaiveDate) -> StoreResult<()> {
    conn.build_transaction()
        .repeatable_read()
        .run::<_, StoreError, _>(async |conn| {
            allow_long_statements(conn, LONGEST_QUERY).await?;
            if day == today(conn).await? {
                for statement in [SPANS_END, SPANS_BEGIN] {
                    diesel::sql_query(statement).bind::<Date, _>(day).execute(conn).await?;
                }
            }
            for statement in FORGET {
                diesel::sql_query(statement).bind::<Date, _>(day).execute(conn).await?;
            }
            let (from, until) = Days { first: day, last: day }.bounds();
            // The plans of a day are known with its accounts.
            for statement in [ACCOUNTS, USAGE, rating_days::ADD_UP] {
                let statement = diesel::sql_query(statement).bind::<Date, _>(day);
                statement.bind::<Timestamptz, _>(from).bind::<Timestamptz, _>(until).execute(conn).await?;
            }
            diesel::sql_query(ATTEMPTS)
                .bind::<Date, _>(day)
                .bind::<Timestamptz, _>(from)
                .bind::<Timestamptz, _>(until)
                .bind::<Array<Integer>, _>(STEPS_MS.as_slice())
                .execute(conn)
                .await?;
            diesel::sql_query(EXPLOSIONS)
                .bind::<Date, _>(day)
                .bind::<BigInt, _>(EXPLOSION_FLOOR_NANOS)
                .bind::<BigInt, _>(EXPLOSION_FACTOR)
                .execute(conn)
                .await?;
            diesel::sql_query(TOTALS)
                .bind::<Date, _>(day)
                .bind::<Timestamptz, _>(from)
                .bind::<Timestamptz, _>(until)
                .execute(conn)
                .await?;
            Ok(())
        })
        .await
}

/// Finds out who spent most in the 30 days that end with this one.
pub async fn rank_spenders(conn: &mut Connection, day: NaiveDate) -> StoreResult<()> {
    conn.transaction::<_, StoreError, _>(async |conn| {
        allow_long_statements(conn, LONGEST_QUERY).await?;
        diesel::sql_query("delete from top_spenders").execute(conn).await?;
        diesel::sql_query(TOP).bind::<Date, _>(day).bind::<BigInt, _>(TOP_SPENDERS).execute(conn).await?;
        Ok(())
    })
    .await
}

/// Ends the spans that are not as they are now.
const SPANS_END: &str = "
    update paying_spans set until = $1
    where until is null and not exists (
        select from subscriptions
        where subscriptions.account_id = paying_spans.account_id and status in ('trialing', 'active', 'past_due')
            and amount_cents * 10000000 / case interval when 'year' then 12 else 1 end = monthly_nanos
            and (past_due_since is not null) = is_past_due
    )";

/// Begins those that are new. On the day of a change its last one counts.
const SPANS_BEGIN: &str = "
    insert into paying_spans (account_id, since, monthly_nanos, is_past_due)
    select account_id, $1, amount_cents * 10000000 / case interval when 'year' then 12 else 1 end,
        past_due_since is not null
    from subscriptions
    where status in ('trialing', 'active', 'past_due') and not exists (
        select from paying_spans where paying_spans.account_id = subscriptions.account_id and until is null)
    on conflict (account_id, since) do update
        set until = null, monthly_nanos = excluded.monthly_nanos, is_past_due = excluded.is_past_due";

const FORGET: [&str; 4] = [
    "delete from usage_days where day = $1",
    "delete from rating_days where day = $1",
    "delete from attempt_days where day = $1",
    "delete from cost_explosions where day = $1",
];

const USAGE: &str = "
    insert into usage_days (day, model, route_key, plan, state, replies, input_tokens, cached_input_tokens, output_tokens,
        charged_nanos, cost_nanos)
    select $1, u.model, coalesce(u.route_key, ''), account.plan, g.state, count(*), sum(u.input_tokens),
        sum(u.cached_input_tokens), sum(u.output_tokens), sum(u.charged_nanos), sum(u.cost_nanos)
    from usage_records u join generations g on g.id = u.generation_id
        join account_days account on account.account_id = u.account_id and account.day = $1
    where u.created_at >= $2 and u.created_at < $3
    group by u.model, coalesce(u.route_key, ''), account.plan, g.state";

/// Records stay, so an account that has used something on a day keeps its row, and with it the plan it had when the day was
/// last added up before it was over: what it pays by now is another day's.
const ACCOUNTS: &str = "
    insert into account_days (day, account_id, plan, replies, input_tokens, output_tokens, charged_nanos, cost_nanos)
    select $1, u.account_id, accounts.plan, count(*), sum(input_tokens), sum(output_tokens), sum(charged_nanos),
        sum(cost_nanos)
    from usage_records u join accounts on accounts.id = u.account_id
    where u.created_at >= $2 and u.created_at < $3 group by u.account_id, accounts.plan
    on conflict (account_id, day) do update set
        plan = case when account_days.day = (now() at time zone 'UTC')::date then excluded.plan
            else coalesce(account_days.plan, excluded.plan) end,
        replies = excluded.replies, input_tokens = excluded.input_tokens, output_tokens = excluded.output_tokens,
        charged_nanos = excluded.charged_nanos, cost_nanos = excluded.cost_nanos";

/// `$4`: the ends of the steps.
const ATTEMPTS: &str = "
    insert into attempt_days (day, route_key, outcome, first_token_ms, attempts)
    select $1, route_key, outcome,
        case when first_token_ms is null then 0
            else $4[least(width_bucket(first_token_ms - 1, $4) + 1, cardinality($4))] end as step,
        count(*)
    from generation_attempts where started_at >= $2 and started_at < $3
    group by route_key, outcome, step";

/// Days without use count as nothing. The median of 14 days is the seventh of them.
const EXPLOSIONS: &str = "
    insert into cost_explosions (day, account_id, charged_nanos, cost_nanos, usual_nanos)
    select $1, account_id, charged_nanos, cost_nanos, usual
    from account_days
        cross join lateral (
            select coalesce((
                select before.cost_nanos from account_days before
                where before.account_id = account_days.account_id and before.day >= $1 - 14 and before.day < $1
                order by before.cost_nanos desc offset 7 limit 1
            ), 0) as usual
        ) median
    where day = $1 and cost_nanos > $2 and cost_nanos > usual * $3";

/// What is paid is known of today, and from the first day on of which it was.
const TOTALS: &str = "
    with known as (
        select $1 = (now() at time zone 'UTC')::date
            or exists (select from day_totals where day <= $1 and paying is not null) as is_known
    ), at_end as (
        select account_id, monthly_nanos, is_past_due from paying_spans, known
        where is_known and since <= $1 and (until is null or until > $1)
    ), at_start as (
        select account_id from paying_spans, known
        where is_known and since < $1 and (until is null or until >= $1)
    )
    insert into day_totals (day, computed_at, provisional_records, active_people, active_people_30_days, new_people, paying,
        past_due, recurring_nanos, churned)
    select $1, clock_timestamp(),
        (select count(*) from usage_records where is_provisional and created_at >= $2 and created_at < $3),
        (select count(*) from account_days where day = $1),
        (select count(*) from (
            select from account_days where day > $1 - 30 and day <= $1 group by account_id
        ) accounts),
        (select count(*) from users where created_at >= $2 and created_at < $3),
        case when is_known then (select count(*) from at_end) end,
        case when is_known then (select count(*) from at_end where is_past_due) end,
        case when is_known then (select coalesce(sum(monthly_nanos), 0) from at_end) end,
        case when is_known then (select count(*) from at_start where account_id not in (select account_id from at_end)) end
    from known
    on conflict (day) do update set computed_at = excluded.computed_at,
        provisional_records = excluded.provisional_records, active_people = excluded.active_people,
        active_people_30_days = excluded.active_people_30_days, new_people = excluded.new_people,
        paying = excluded.paying, past_due = excluded.past_due, recurring_nanos = excluded.recurring_nanos,
        churned = excluded.churned";

const TOP: &str = "
    insert into top_spenders (account_id, replies, input_tokens, output_tokens, charged_nanos, cost_nanos)
    select account_id, sum(replies), sum(input_tokens), sum(output_tokens), sum(charged_nanos) as charged, sum(cost_nanos)
    from account_days where day > $1 - 30 and day <= $1
    group by account_id order by charged desc, account_id limit $2";
