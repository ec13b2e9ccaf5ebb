//! Receipts: what replies used and what they cost.

use app::types::{AccountId, GenerationId, Nanos};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::Connection;
use super::generations::Settlement;
use super::schema::usage_records;
use crate::pricing::TokenUsage;

/// What a reply used and what it is charged.
pub(super) struct Cost<'a> {
    pub(super) model: &'a str,
    pub(super) usage: TokenUsage,
    /// The provider did not say, so we counted.
    pub(super) is_estimated: bool,
    pub(super) charged: Nanos,
    pub(super) price_version: i32,
    /// None: no provider answered, or nobody knows which.
    pub(super) route_key: Option<&'a str>,
    /// What it cost us.
    pub(super) cost: Nanos,
}

impl<'a> Cost<'a> {
    pub(super) fn of(settlement: &'a Settlement) -> Self {
        Self {
            model: &settlement.model,
            usage: settlement.usage,
            is_estimated: settlement.is_estimated,
            charged: settlement.charged,
            price_version: settlement.price_version,
            route_key: settlement.route_key(),
            cost: settlement.attempts.iter().map(|attempt| attempt.cost).sum(),
        }
    }
}

/// How far a reply is settled.
pub(super) enum UsageState {
    /// By the sweeper, from what it found.
    Provisional {
        charged: Nanos,
        charged_at: DateTime<Utc>,
    },
    Final,
}

/// None: not at all.
pub(super) async fn find_state(mut conn: &Connection, id: GenerationId) -> QueryResult<Option<UsageState>> {
    let row: Option<(bool, i64, DateTime<Utc>)> = usage_records::table
        .find(id.0)
        .select((usage_records::is_provisional, usage_records::charged_nanos, usage_records::created_at))
        .first(&mut conn)
        .await
        .optional()?;
    Ok(row.map(|(is_provisional, charged, charged_at)| match is_provisional {
        true => UsageState::Provisional { charged: Nanos(charged), charged_at },
        false => UsageState::Final,
    }))
}

/// It counts as charged `at` this time.
pub(super) async fn insert(
    mut conn: &Connection,
    id: GenerationId,
    account_id: AccountId,
    cost: &Cost<'_>,
    at: DateTime<Utc>,
    is_provisional: bool,
) -> QueryResult<()> {
    let keys = (usage_records::generation_id.eq(id.0), usage_records::account_id.eq(account_id.0));
    let row = (keys, usage_records::created_at.eq(at), CostColumns::new(cost, is_provisional));
    diesel::insert_into(usage_records::table).values(row).execute(&mut conn).await?;
    Ok(())
}

/// Replaces what the sweeper wrote; it goes on counting in the month it was charged in.
pub(super) async fn make_final(mut conn: &Connection, id: GenerationId, cost: &Cost<'_>) -> QueryResult<()> {
    let columns = CostColumns::new(cost, false);
    diesel::update(usage_records::table.find(id.0)).set(columns).execute(&mut conn).await?;
    Ok(())
}

/// What is written of a cost, whether for the first time or as a correction.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = usage_records)]
#[diesel(treat_none_as_null = true)]
struct CostColumns<'a> {
    model: &'a str,
    input_tokens: i32,
    output_tokens: i32,
    is_estimated: bool,
    is_provisional: bool,
    charged_nanos: i64,
    price_version: i32,
    route_key: Option<&'a str>,
    cached_input_tokens: i32,
    reasoning_tokens: i32,
    cost_nanos: i64,
}

impl<'a> CostColumns<'a> {
    fn new(cost: &Cost<'a>, is_provisional: bool) -> Self {
        Self {
            model: cost.model,
            input_tokens: to_int(cost.usage.input_tokens),
            output_tokens: to_int(cost.usage.output_tokens),
            is_estimated: cost.is_estimated,
            is_provisional,
            charged_nanos: cost.charged.0,
            price_version: cost.price_version,
            route_key: cost.route_key,
            cached_input_tokens: to_int(cost.usage.cached_input_tokens),
            reasoning_tokens: to_int(cost.usage.reasoning_tokens),
            cost_nanos: cost.cost.0,
        }
    }
}

pub(super) fn to_int(tokens: u32) -> i32 {
    i32::try_from(tokens).unwrap_or(i32::MAX)
}
