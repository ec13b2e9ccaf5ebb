//! What is left in the minute, as OpenAI tells it. <https://platform.openai.com/docs/guides/rate-limits>

use app::types::{Limit, LimitName};
use chrono::Utc;
use http::{HeaderMap, HeaderValue};

pub(super) fn set_limits(headers: &mut HeaderMap, limits: &[Limit]) {
    for limit in limits {
        match limit.name {
            LimitName::RequestsPerMinute => set_limit(headers, limit, REQUESTS),
            LimitName::TokensPerMinute => set_limit(headers, limit, TOKENS),
            _ => {}
        }
    }
}

/// The most, what remains, and when it is all free again.
const REQUESTS: [&str; 3] =
    ["x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"];
const TOKENS: [&str; 3] =
    ["x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"];

fn set_limit(headers: &mut HeaderMap, limit: &Limit, [most, remaining, reset]: [&'static str; 3]) {
    headers.insert(most, HeaderValue::from(limit.limit));
    headers.insert(remaining, HeaderValue::from(limit.remaining));
    let seconds = limit.resets_at.map_or(0, |time| (time - Utc::now()).num_seconds().max(0) + 1);
    if let Ok(value) = HeaderValue::from_str(&format!("{seconds}s")) {
        headers.insert(reset, value);
    }
}
