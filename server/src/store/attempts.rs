//! Every time a provider was asked for a reply.

use app::types::{AttemptOutcome, GenerationId, Nanos};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use super::prepared::Prepared;
use super::schema::generation_attempts;
use super::usage::to_int;
use super::{Connection, StoreResult};
use crate::pricing::TokenUsage;

/// Whether the provider failed, by what is recorded. What a newer version has recorded counts as a failure.
pub fn has_failed(recorded: &str) -> bool {
    AttemptOutcome::parse(recorded).is_none_or(AttemptOutcome::has_failed)
}

/// One attempt, as it ended.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub route_key: String,
    pub started_at: DateTime<Utc>,
    pub first_token_ms: Option<u32>,
    pub duration_ms: u32,
    pub outcome: AttemptOutcome,
    /// None: it came to nothing.
    pub usage: Option<TokenUsage>,
    /// What it cost us.
    pub cost: Nanos,
}

const INSERT: &str = ", attempt_rows as (
        insert into generation_attempts (generation_id, number, route_key, started_at, first_token_ms, duration_ms,
            outcome, input_tokens, output_tokens, cost_nanos)
        select $, attempt.* from account, unnest($, $, $, $, $, $, $, $, $) as attempt
        on conflict (generation_id, number) do update set route_key = excluded.route_key,
            started_at = excluded.started_at, first_token_ms = excluded.first_token_ms,
            duration_ms = excluded.duration_ms, outcome = excluded.outcome, input_tokens = excluded.input_tokens,
            output_tokens = excluded.output_tokens, cost_nanos = excluded.cost_nanos
    )";

/// Goes on with a statement that changes the books. What a sweep has written of an attempt is replaced.
pub(super) fn insert<Row>(statement: Prepared<Row>, id: GenerationId, attempts: &[Attempt]) -> Prepared<Row> {
    let tokens = |count: fn(TokenUsage) -> u32| {
        attempts.iter().map(move |attempt| attempt.usage.map(|usage| to_int(count(usage))))
    };
    statement
        .sql(INSERT)
        .bind::<SqlUuid, _>(id.0)
        .bind_each::<Integer, _>((1..).zip(attempts).map(|(number, _): (i32, _)| number))
        .bind_each::<Text, _>(attempts.iter().map(|attempt| attempt.route_key.clone()))
        .bind_each::<Timestamptz, _>(attempts.iter().map(|attempt| attempt.started_at))
        .bind_each::<Nullable<Integer>, _>(attempts.iter().map(|attempt| attempt.first_token_ms.map(to_int)))
        .bind_each::<Integer, _>(attempts.iter().map(|attempt| to_int(attempt.duration_ms)))
        .bind_each::<Text, _>(attempts.iter().map(|attempt| attempt.outcome.as_str()))
        .bind_each::<Nullable<Integer>, _>(tokens(|usage| usage.input_tokens))
        .bind_each::<Nullable<Integer>, _>(tokens(|usage| usage.output_tokens))
        .bind_each::<BigInt, _>(attempts.iter().map(|attempt| attempt.cost.0))
}

/// How the last attempt of a reply ended. None: none was made, or only a newer version knows.
pub async fn last_outcome(conn: &mut Connection, id: GenerationId) -> StoreResult<Option<AttemptOutcome>> {
    let last = generation_attempts::table
        .filter(generation_attempts::generation_id.eq(id.0))
        .order(generation_attempts::number.desc())
        .select(generation_attempts::outcome);
    let recorded: Option<String> = last.first(conn).await.optional()?;
    Ok(recorded.and_then(|recorded| AttemptOutcome::parse(&recorded)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dashboard_and_the_alerts_count_the_same_outcomes_as_failures() {
        let dashboard = include_str!("../../../deploy/grafana.json").replace('\\', "");
        let alerts = include_str!("../../../deploy/alerts.yml");
        let good = AttemptOutcome::ALL.into_iter().filter(|outcome| !outcome.has_failed());
        let good: Vec<_> = good.map(AttemptOutcome::as_str).collect();
        let failures = format!("outcome!~\"{}\"", good.join("|"));
        assert!(dashboard.contains(&failures) && alerts.contains(&failures), "{failures}");
    }
}
