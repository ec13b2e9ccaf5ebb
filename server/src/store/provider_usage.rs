//! What providers of models say we used, beside what we have recorded.

use app::types::{Days, Nanos};
use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date, Nullable, Text};
use diesel::upsert::excluded;
use diesel_async::{AsyncConnection, RunQueryDsl};

use super::schema::provider_usage;
use super::{Connection, StoreError, StoreResult};

/// A day of a model, as its provider has counted it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderUsage {
    /// As in the catalog: `openai`.
    pub provider: String,
    /// In the provider's words.
    pub model: String,
    pub day: NaiveDate,
    pub requests: i64,
    /// Cached ones included.
    pub input_tokens: i64,
    pub cached_input_tokens: i64,
    pub output_tokens: i64,
    pub cost: Option<Nanos>,
}

/// Keeps what was imported, all or nothing; a day that is imported again replaces what was there.
pub async fn import(conn: &mut Connection, rows: &[ProviderUsage]) -> StoreResult<()> {
    conn.transaction::<_, StoreError, _>(async |conn| {
        for row in rows {
            upsert(conn, row).await?;
        }
        Ok(())
    })
    .await
}

async fn upsert(conn: &mut Connection, row: &ProviderUsage) -> QueryResult<()> {
    diesel::insert_into(provider_usage::table)
        .values((
            provider_usage::provider.eq(&row.provider),
            provider_usage::model.eq(&row.model),
            provider_usage::day.eq(row.day),
            provider_usage::requests.eq(row.requests),
            provider_usage::input_tokens.eq(row.input_tokens),
            provider_usage::cached_input_tokens.eq(row.cached_input_tokens),
            provider_usage::output_tokens.eq(row.output_tokens),
            provider_usage::cost_nanos.eq(row.cost.map(|cost| cost.0)),
        ))
        .on_conflict((provider_usage::provider, provider_usage::model, provider_usage::day))
        .do_update()
        .set((
            provider_usage::requests.eq(excluded(provider_usage::requests)),
            provider_usage::input_tokens.eq(excluded(provider_usage::input_tokens)),
            provider_usage::cached_input_tokens.eq(excluded(provider_usage::cached_input_tokens)),
            provider_usage::output_tokens.eq(excluded(provider_usage::output_tokens)),
            provider_usage::cost_nanos.eq(excluded(provider_usage::cost_nanos)),
            provider_usage::imported_at.eq(diesel::dsl::now),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// The tokens of a model in a day, as attempts recorded them and as its provider says.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct TokensOfDay {
    #[diesel(sql_type = Date)]
    pub day: NaiveDate,
    #[diesel(sql_type = Text)]
    pub provider: String,
    #[diesel(sql_type = Text)]
    pub model: String,
    #[diesel(sql_type = BigInt)]
    pub input_tokens: i64,
    #[diesel(sql_type = BigInt)]
    pub output_tokens: i64,
    /// None: nothing was imported.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub imported_input_tokens: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub imported_output_tokens: Option<i64>,
}

/// Every day and model with tokens on either side.
pub async fn list_tokens(conn: &mut Connection, days: Days) -> StoreResult<Vec<TokensOfDay>> {
    Ok(diesel::sql_query(
        "select day, provider, model, coalesce(recorded.input_tokens, 0) as input_tokens,
             coalesce(recorded.output_tokens, 0) as output_tokens,
             imported.input_tokens as imported_input_tokens, imported.output_tokens as imported_output_tokens
         from (
             select (started_at at time zone 'utc')::date as day, provider, upstream_model as model,
                 sum(input_tokens)::bigint as input_tokens, sum(output_tokens)::bigint as output_tokens
             from generation_attempts join model_routes on model_routes.key = generation_attempts.route_key
             where input_tokens is not null
                 and started_at >= $1::timestamp at time zone 'utc'
                 and started_at < ($2 + 1)::timestamp at time zone 'utc'
             group by 1, 2, 3
         ) recorded full join (
             select * from provider_usage where day between $1 and $2
         ) imported using (day, provider, model)
         order by day, provider, model",
    )
    .bind::<Date, _>(days.first)
    .bind::<Date, _>(days.last)
    .load(conn)
    .await?)
}

/// Whether anything was ever imported.
pub async fn is_any(conn: &mut Connection) -> StoreResult<bool> {
    Ok(diesel::select(diesel::dsl::exists(provider_usage::table.select(provider_usage::day)))
        .get_result(conn)
        .await?)
}
