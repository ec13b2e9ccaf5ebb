//! What was added up by day ([`super::day_totals`]), as operators look at it: how much is read depends on the days and not on
//! what was used in them.

use std::collections::{BTreeMap, HashMap};

use app::types::{AccountId, Days, Nanos, PersonLabel, Ratings, UserId, Volume};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{Connection, StoreError, StoreResult, rating_days};

/// What is known of a day besides its replies.
#[derive(Clone, Copy, Debug, QueryableByName)]
pub struct DayTotal {
    #[diesel(sql_type = Date)]
    pub day: NaiveDate,
    #[diesel(sql_type = BigInt)]
    pub active_people: i64,
    #[diesel(sql_type = BigInt)]
    pub active_people_30_days: i64,
    #[diesel(sql_type = BigInt)]
    pub new_people: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub paying: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub past_due: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub recurring_nanos: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub churned: Option<i64>,
}

/// How often providers were asked on a day, answered within a step of time.
#[derive(Clone, Debug, QueryableByName)]
pub struct Attempts {
    #[diesel(sql_type = Date)]
    pub day: NaiveDate,
    /// The end of the step; 0: nothing came.
    #[diesel(sql_type = Integer)]
    pub first_token_ms: i32,
    #[diesel(sql_type = Text)]
    pub outcome: String,
    #[diesel(sql_type = BigInt)]
    pub attempts: i64,
}

/// All of it at one moment.
pub struct Overview {
    pub computed_at: Option<DateTime<Utc>>,
    pub totals: Vec<DayTotal>,
    pub volumes: BTreeMap<NaiveDate, Volume>,
    pub ratings: HashMap<NaiveDate, Ratings>,
    pub attempts: Vec<Attempts>,
}

pub async fn read_overview(conn: &mut Connection, days: Days) -> StoreResult<Overview> {
    conn.build_transaction()
        .read_only()
        .repeatable_read()
        .run::<_, StoreError, _>(async |conn| {
            Ok(Overview {
                computed_at: computed_at(conn).await?,
                totals: load(conn, TOTALS, days).await?,
                volumes: by_day(conn, days).await?,
                ratings: rating_days::by_day(conn, days).await?,
                attempts: load(conn, ATTEMPTS, days).await?,
            })
        })
        .await
}

const TOTALS: &str = "
    select day, active_people, active_people_30_days, new_people, paying, past_due, recurring_nanos, churned
    from day_totals where day between $1 and $2 order by day";

const ATTEMPTS: &str = "
    select day, first_token_ms, outcome, sum(attempts)::bigint as attempts
    from attempt_days where day between $1 and $2 group by day, first_token_ms, outcome order by day, first_token_ms";

/// Replies that have something in common. Its key may be unknown to the catalog by now.
#[derive(Clone, Debug)]
pub struct Part {
    pub key: String,
    pub name: Option<String>,
    pub volume: Volume,
    /// None: nobody asks by what they have in common.
    pub ratings: Option<Ratings>,
}

/// What somebody used.
#[derive(Clone, Debug)]
pub struct PersonPart {
    pub account_id: AccountId,
    pub person: PersonLabel,
    /// A key.
    pub plan: String,
    pub volume: Volume,
}

/// A day of an account that cost far more than usual.
#[derive(Clone, Debug)]
pub struct Explosion {
    pub day: NaiveDate,
    pub person: PersonLabel,
    pub charged: Nanos,
    pub cost: Nanos,
    pub usual: Nanos,
}

/// All of it at one moment.
pub struct Report {
    pub computed_at: Option<DateTime<Utc>>,
    pub days: BTreeMap<NaiveDate, Volume>,
    pub before: Volume,
    pub models: Vec<Part>,
    pub providers: Vec<Part>,
    pub routes: Vec<Part>,
    pub plans: Vec<Part>,
    pub outcomes: Vec<Part>,
    pub people: Vec<PersonPart>,
    pub explosions: Vec<Explosion>,
    pub first_day: Option<NaiveDate>,
}

/// Whose use is ranked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ranking {
    /// Of the 30 days that end with the last one added up.
    Last30Days,
    /// Of a whole calendar month.
    Month,
}

pub async fn report(
    conn: &mut Connection,
    days: Days,
    before: Days,
    ranking: Ranking,
    most: i64,
) -> StoreResult<Report> {
    conn.build_transaction()
        .read_only()
        .repeatable_read()
        .run::<_, StoreError, _>(async |conn| {
            Ok(Report {
                computed_at: computed_at(conn).await?,
                days: by_day(conn, days).await?,
                before: by_day(conn, before).await?.into_values().sum(),
                models: rated(conn, "model", MODEL_NAME, days).await?,
                providers: by(conn, PROVIDER_KEY, "null", days).await?,
                routes: rated(conn, "route_key", PROVIDER, days).await?,
                plans: by(conn, "plan", "null", days).await?,
                outcomes: by(conn, "state", "null", days).await?,
                people: spenders(conn, days, ranking, most).await?,
                explosions: explosions(conn, days, most).await?,
                first_day: first_day(conn).await?,
            })
        })
        .await
}

async fn computed_at(conn: &mut Connection) -> QueryResult<Option<DateTime<Utc>>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Nullable<Timestamptz>)]
        at: Option<DateTime<Utc>>,
    }
    let newest = "select (select computed_at from day_totals order by day desc limit 1) as at";
    Ok(diesel::sql_query(newest).get_result::<Row>(conn).await?.at)
}

async fn first_day(conn: &mut Connection) -> QueryResult<Option<NaiveDate>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Nullable<Date>)]
        day: Option<NaiveDate>,
    }
    Ok(diesel::sql_query("select min(day) as day from usage_days").get_result::<Row>(conn).await?.day)
}

/// Sums of rows of `usage_days`.
const SUMS: &str = "sum(replies)::bigint as replies,
    coalesce(sum(replies) filter (where state in ('failed', 'interrupted')), 0)::bigint as failed,
    sum(input_tokens)::bigint as input_tokens, sum(cached_input_tokens)::bigint as cached_input_tokens,
    sum(output_tokens)::bigint as output_tokens, sum(charged_nanos)::bigint as charged_nanos,
    sum(cost_nanos)::bigint as cost_nanos";

#[derive(QueryableByName)]
struct VolumeColumns {
    #[diesel(sql_type = BigInt)]
    replies: i64,
    #[diesel(sql_type = BigInt)]
    failed: i64,
    #[diesel(sql_type = BigInt)]
    input_tokens: i64,
    #[diesel(sql_type = BigInt)]
    cached_input_tokens: i64,
    #[diesel(sql_type = BigInt)]
    output_tokens: i64,
    #[diesel(sql_type = BigInt)]
    charged_nanos: i64,
    #[diesel(sql_type = BigInt)]
    cost_nanos: i64,
}

impl From<VolumeColumns> for Volume {
    fn from(row: VolumeColumns) -> Self {
        Self {
            replies: row.replies.unsigned_abs(),
            failed: row.failed.unsigned_abs(),
            input_tokens: row.input_tokens.unsigned_abs(),
            cached_input_tokens: row.cached_input_tokens.unsigned_abs(),
            output_tokens: row.output_tokens.unsigned_abs(),
            charged: Nanos(row.charged_nanos),
            cost: Nanos(row.cost_nanos),
        }
    }
}

async fn by_day(conn: &mut Connection, days: Days) -> QueryResult<BTreeMap<NaiveDate, Volume>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Date)]
        day: NaiveDate,
        #[diesel(embed)]
        volume: VolumeColumns,
    }
    let sql = format!("select day, {SUMS} from usage_days where day between $1 and $2 group by day");
    let rows: Vec<Row> = load(conn, &sql, days).await?;
    Ok(rows.into_iter().map(|row| (row.day, row.volume.into())).collect())
}

const MODEL_NAME: &str = "(select name from models where key = sums.key)";
const PROVIDER: &str = "(select provider from model_routes where model_routes.key = sums.key)";

/// Of a row of `usage_days`; empty when no route answered.
const PROVIDER_KEY: &str = "case route_key when '' then '' else coalesce(
    (select provider from model_routes where model_routes.key = route_key), 'not in the catalog') end";

/// As `by`, with what people thought of these replies.
async fn rated(conn: &mut Connection, column: &str, name: &str, days: Days) -> QueryResult<Vec<Part>> {
    let ratings = rating_days::by(conn, column, days).await?;
    let parts = by(conn, column, name, days).await?.into_iter();
    let rated = parts.map(|part| {
        let ratings = ratings.get(&part.key).copied().unwrap_or_default();
        Part { ratings: Some(ratings), ..part }
    });
    Ok(rated.collect())
}

/// Dearest first. `name` is a query for one of `sums.key`.
async fn by(conn: &mut Connection, column: &str, name: &str, days: Days) -> QueryResult<Vec<Part>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        key: String,
        #[diesel(sql_type = Nullable<Text>)]
        name: Option<String>,
        #[diesel(embed)]
        volume: VolumeColumns,
    }
    let sql = format!(
        "select sums.*, {name} as name
         from (select {column} as key, {SUMS} from usage_days where day between $1 and $2 group by 1) sums
         order by charged_nanos desc, key"
    );
    let rows: Vec<Row> = load(conn, &sql, days).await?;
    let part = |row: Row| Part { key: row.key, name: row.name, volume: row.volume.into(), ratings: None };
    Ok(rows.into_iter().map(part).collect())
}

#[derive(QueryableByName)]
struct PersonColumns {
    #[diesel(sql_type = Nullable<SqlUuid>)]
    user_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    display_name: Option<String>,
}

impl From<PersonColumns> for PersonLabel {
    fn from(row: PersonColumns) -> Self {
        Self { id: UserId(row.user_id.unwrap_or_default()), name: row.display_name.unwrap_or_default() }
    }
}

/// Whoever an account `of.account_id` belongs to, the first of them.
pub(super) const PERSON: &str = "
    left join lateral (
        select id as user_id, display_name from users where users.account_id = of.account_id order by id limit 1
    ) person on true";

/// What accounts `of` used among some days; failed replies are not told apart.
pub(super) const OF_ACCOUNT: &str = "sum(replies)::bigint as replies, 0::bigint as failed,
    sum(input_tokens)::bigint as input_tokens, 0::bigint as cached_input_tokens,
    sum(output_tokens)::bigint as output_tokens, sum(charged_nanos)::bigint as charged_nanos,
    sum(cost_nanos)::bigint as cost_nanos";

#[derive(QueryableByName)]
pub(super) struct PersonRow {
    #[diesel(sql_type = SqlUuid)]
    account_id: Uuid,
    #[diesel(sql_type = Text)]
    plan: String,
    #[diesel(embed)]
    person: PersonColumns,
    #[diesel(embed)]
    volume: VolumeColumns,
}

impl From<PersonRow> for PersonPart {
    fn from(row: PersonRow) -> Self {
        Self {
            account_id: AccountId(row.account_id),
            person: row.person.into(),
            plan: row.plan,
            volume: row.volume.into(),
        }
    }
}

/// Who is dearest is known before anybody asks; only their days are added up.
async fn spenders(
    conn: &mut Connection,
    days: Days,
    ranking: Ranking,
    most: i64,
) -> QueryResult<Vec<PersonPart>> {
    let ranked = match ranking {
        Ranking::Last30Days => "select account_id from top_spenders order by charged_nanos desc, account_id",
        Ranking::Month => {
            "select account_id from account_months where month = $1 order by charged_nanos desc, account_id desc"
        }
    };
    let sql = format!(
        "select of.*, plan, user_id, display_name
         from (
            select ranked.account_id, sums.*
            from ({ranked} limit {most}) ranked cross join lateral (
                select {OF_ACCOUNT} from account_days
                where account_days.account_id = ranked.account_id and day between $1 and $2 having count(*) > 0
            ) sums
         ) of join accounts on accounts.id = of.account_id {PERSON}
         order by charged_nanos desc, account_id"
    );
    let rows: Vec<PersonRow> = load(conn, &sql, days).await?;
    Ok(rows.into_iter().map(PersonPart::from).collect())
}

async fn explosions(conn: &mut Connection, days: Days, most: i64) -> QueryResult<Vec<Explosion>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Date)]
        day: NaiveDate,
        #[diesel(sql_type = BigInt)]
        charged_nanos: i64,
        #[diesel(sql_type = BigInt)]
        cost_nanos: i64,
        #[diesel(sql_type = BigInt)]
        usual_nanos: i64,
        #[diesel(embed)]
        person: PersonColumns,
    }
    let sql = format!(
        "select day, charged_nanos, cost_nanos, usual_nanos, user_id, display_name
         from (
            select * from cost_explosions where day between $1 and $2
            order by day desc, cost_nanos desc limit {most}
         ) of {PERSON}
         order by day desc, cost_nanos desc"
    );
    let rows: Vec<Row> = load(conn, &sql, days).await?;
    let explosion = |row: Row| Explosion {
        day: row.day,
        person: row.person.into(),
        charged: Nanos(row.charged_nanos),
        cost: Nanos(row.cost_nanos),
        usual: Nanos(row.usual_nanos),
    };
    Ok(rows.into_iter().map(explosion).collect())
}

async fn load<Row>(conn: &mut Connection, sql: &str, days: Days) -> QueryResult<Vec<Row>>
where
    Row: QueryableByName<diesel::pg::Pg> + Send + 'static,
{
    let query = diesel::sql_query(sql).bind::<Date, _>(days.first).bind::<Date, _>(days.last);
    query.load(conn).await
}
