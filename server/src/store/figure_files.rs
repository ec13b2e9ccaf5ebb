//! What was added up by day, as files for other programs.

use app::types::{AccountId, Days};
use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date, Nullable, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use super::figures::{OF_ACCOUNT, PERSON, PersonPart, PersonRow};
use super::{Connection, StoreResult};

/// The finest there is: replies of a day that have model, route, plan and end in common. Also a place in the list of them.
#[derive(Clone, Debug, QueryableByName)]
pub struct FileRow {
    #[diesel(sql_type = Date)]
    pub day: NaiveDate,
    #[diesel(sql_type = Text)]
    pub model: String,
    #[diesel(sql_type = Text)]
    pub route_key: String,
    #[diesel(sql_type = Text)]
    pub plan: String,
    #[diesel(sql_type = Text)]
    pub state: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub provider: Option<String>,
    #[diesel(sql_type = BigInt)]
    pub replies: i64,
    #[diesel(sql_type = BigInt)]
    pub input_tokens: i64,
    #[diesel(sql_type = BigInt)]
    pub cached_input_tokens: i64,
    #[diesel(sql_type = BigInt)]
    pub output_tokens: i64,
    #[diesel(sql_type = BigInt)]
    pub charged_nanos: i64,
    #[diesel(sql_type = BigInt)]
    pub cost_nanos: i64,
}

/// The next rows of these days after one, oldest first.
pub async fn list_rows(
    conn: &mut Connection,
    days: Days,
    after: Option<&FileRow>,
    limit: i64,
) -> StoreResult<Vec<FileRow>> {
    let text = |part: fn(&FileRow) -> &str| after.map(part).unwrap_or_default().to_owned();
    let rows = diesel::sql_query(
        "select usage_days.*, (select provider from model_routes where model_routes.key = route_key) as provider
         from usage_days
         where day between $1 and $2 and (day, model, route_key, plan, state) > ($3, $4, $5, $6, $7)
         order by day, model, route_key, plan, state limit $8",
    )
    .bind::<Date, _>(days.first)
    .bind::<Date, _>(days.last)
    .bind::<Date, _>(after.map_or(days.first, |row| row.day))
    .bind::<Text, _>(text(|row| &row.model))
    .bind::<Text, _>(text(|row| &row.route_key))
    .bind::<Text, _>(text(|row| &row.plan))
    .bind::<Text, _>(text(|row| &row.state))
    .bind::<BigInt, _>(limit)
    .load(conn)
    .await?;
    Ok(rows)
}

/// What the next accounts used in these days, in the order of their ids.
pub async fn list_people(
    conn: &mut Connection,
    days: Days,
    after: AccountId,
    limit: i64,
) -> StoreResult<Vec<PersonPart>> {
    let sql = format!(
        "select of.*, plan, user_id, display_name
         from (
            select account_id, {OF_ACCOUNT} from account_days
            where day between $1 and $2 and account_id > $3
            group by account_id order by account_id limit $4
         ) of join accounts on accounts.id = of.account_id {PERSON}
         order by account_id"
    );
    let rows: Vec<PersonRow> = diesel::sql_query(sql)
        .bind::<Date, _>(days.first)
        .bind::<Date, _>(days.last)
        .bind::<SqlUuid, _>(after.0)
        .bind::<BigInt, _>(limit)
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(PersonPart::from).collect())
}
