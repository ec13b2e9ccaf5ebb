//! Receipts: what replies used and what they cost.

use app::types::{GenerationId, Nanos};
use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};

use super::prepared::Prepared;
use super::settlements::Settlement;
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
#[derive(Clone, Copy)]
pub(super) enum UsageState {
    /// By the sweeper, from what it found.
    Provisional {
        charged: Nanos,
        charged_at: DateTime<Utc>,
    },
    Final,
}

/// Of a reply that is settled, charged `at` this time.
const INSERT: &str = ", usage_row as (
        insert into usage_records (generation_id, account_id, created_at, model, input_tokens, output_tokens,
            is_estimated, is_provisional, charged_nanos, price_version, route_key, cached_input_tokens,
            reasoning_tokens, cost_nanos)
        select $, account.id, $, $, $, $, $, $, $, $, $, $, $, $ from account";

/// Of one that was settled provisionally: it goes on counting in the month it was charged in.
const REPLACE: &str = "
        on conflict (generation_id) do update set model = excluded.model, input_tokens = excluded.input_tokens,
            output_tokens = excluded.output_tokens, is_estimated = excluded.is_estimated,
            is_provisional = excluded.is_provisional, charged_nanos = excluded.charged_nanos,
            price_version = excluded.price_version, route_key = excluded.route_key,
            cached_input_tokens = excluded.cached_input_tokens, reasoning_tokens = excluded.reasoning_tokens,
            cost_nanos = excluded.cost_nanos
    )";

/// Goes on with a statement that changes the books. `replaces`: there is a provisional record.
pub(super) fn write<Row>(
    statement: Prepared<Row>,
    id: GenerationId,
    cost: &Cost<'_>,
    at: DateTime<Utc>,
    is_provisional: bool,
    replaces: bool,
) -> Prepared<Row> {
    statement
        .sql(INSERT)
        .bind::<SqlUuid, _>(id.0)
        .bind::<Timestamptz, _>(at)
        .bind::<Text, _>(cost.model.to_owned())
        .bind::<Integer, _>(to_int(cost.usage.input_tokens))
        .bind::<Integer, _>(to_int(cost.usage.output_tokens))
        .bind::<Bool, _>(cost.is_estimated)
        .bind::<Bool, _>(is_provisional)
        .bind::<BigInt, _>(cost.charged.0)
        .bind::<Integer, _>(cost.price_version)
        .bind::<Nullable<Text>, _>(cost.route_key.map(str::to_owned))
        .bind::<Integer, _>(to_int(cost.usage.cached_input_tokens))
        .bind::<Integer, _>(to_int(cost.usage.reasoning_tokens))
        .bind::<BigInt, _>(cost.cost.0)
        .sql(if replaces { REPLACE } else { ")" })
}

pub(super) fn to_int(tokens: u32) -> i32 {
    i32::try_from(tokens).unwrap_or(i32::MAX)
}
