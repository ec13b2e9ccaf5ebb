//! Every time a provider was asked for a reply.

use app::types::{GenerationId, Nanos};
use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};

use super::prepared::Prepared;
use super::usage::to_int;
use crate::pricing::TokenUsage;

/// One attempt, as it ended.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub route_key: String,
    pub started_at: DateTime<Utc>,
    pub first_token_ms: Option<u32>,
    pub duration_ms: u32,
    /// Such as `finished` or `overloaded`.
    pub outcome: String,
    /// None: it came to nothing.
    pub usage: Option<TokenUsage>,
    /// What it cost us.
    pub cost: Nanos,
}

const INSERT: &str = ", attempt_rows as (
        insert into generation_attempts (generation_id, number, route_key, started_at, first_token_ms, duration_ms,
            outcome, input_tokens, output_tokens, cost_nanos)
        select $, attempt.* from account, unnest($, $, $, $, $, $, $, $, $) as attempt
    )";

/// Goes on with a statement that changes the books.
pub(super) fn insert<Row>(statement: Prepared<Row>, id: GenerationId, attempts: &[Attempt]) -> Prepared<Row> {
    let numbers = (1..).zip(attempts).map(|(number, _)| number).collect::<Vec<i32>>();
    let tokens = |count: fn(TokenUsage) -> u32| {
        attempts.iter().map(|attempt| attempt.usage.map(|usage| to_int(count(usage)))).collect::<Vec<_>>()
    };
    statement
        .sql(INSERT)
        .bind::<SqlUuid, _>(id.0)
        .bind::<Array<Integer>, _>(numbers)
        .bind::<Array<Text>, _>(each(attempts, |attempt| attempt.route_key.clone()))
        .bind::<Array<Timestamptz>, _>(each(attempts, |attempt| attempt.started_at))
        .bind::<Array<Nullable<Integer>>, _>(each(attempts, |attempt| attempt.first_token_ms.map(to_int)))
        .bind::<Array<Integer>, _>(each(attempts, |attempt| to_int(attempt.duration_ms)))
        .bind::<Array<Text>, _>(each(attempts, |attempt| attempt.outcome.clone()))
        .bind::<Array<Nullable<Integer>>, _>(tokens(|usage| usage.input_tokens))
        .bind::<Array<Nullable<Integer>>, _>(tokens(|usage| usage.output_tokens))
        .bind::<Array<BigInt>, _>(each(attempts, |attempt| attempt.cost.0))
}

fn each<T>(attempts: &[Attempt], value: impl Fn(&Attempt) -> T) -> Vec<T> {
    attempts.iter().map(value).collect()
}
