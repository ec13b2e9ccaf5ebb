//! Every time a provider was asked for a reply.

use app::types::{GenerationId, Nanos};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use futures::future::try_join_all;

use super::Connection;
use super::schema::generation_attempts;
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

pub(super) async fn insert_all(conn: &Connection, id: GenerationId, attempts: &[Attempt]) -> QueryResult<()> {
    let insert = |(number, attempt): (i32, &Attempt)| {
        let row = (
            generation_attempts::generation_id.eq(id.0),
            generation_attempts::number.eq(number),
            generation_attempts::route_key.eq(attempt.route_key.clone()),
            generation_attempts::started_at.eq(attempt.started_at),
            generation_attempts::first_token_ms.eq(attempt.first_token_ms.map(to_int)),
            generation_attempts::duration_ms.eq(to_int(attempt.duration_ms)),
            generation_attempts::outcome.eq(attempt.outcome.clone()),
            generation_attempts::input_tokens.eq(attempt.usage.map(|usage| to_int(usage.input_tokens))),
            generation_attempts::output_tokens.eq(attempt.usage.map(|usage| to_int(usage.output_tokens))),
            generation_attempts::cost_nanos.eq(attempt.cost.0),
        );
        async move {
            let mut conn = conn;
            diesel::insert_into(generation_attempts::table).values(row).execute(&mut conn).await
        }
    };
    // A statement each: only such statements are prepared once and kept.
    try_join_all((1..).zip(attempts).map(insert)).await?;
    Ok(())
}
