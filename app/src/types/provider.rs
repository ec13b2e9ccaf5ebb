//! The ways to the models, as operators see them.

use serde::{Deserialize, Serialize};

use super::Nanos;

/// Whether a route is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// It is: requests go through.
    Closed,
    /// It failed too often, and is tried again in so many seconds at most.
    Open { seconds: u32 },
    /// An operator keeps requests from it.
    Held,
}

/// The ways to a model, in the order in which they are asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderReport {
    /// Its name.
    pub model: String,
    pub routes: Vec<RouteReport>,
}

/// A route and its last 24 hours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteReport {
    pub key: String,
    pub host: String,
    /// None: Redis is away, and every process decides by itself.
    pub breaker: Option<BreakerState>,
    pub attempts: u32,
    /// How the attempts ended that did not finish, the most frequent first.
    pub outcomes: Vec<Outcome>,
    /// None: nothing was answered.
    pub first_token_ms_p50: Option<u32>,
    pub first_token_ms_p95: Option<u32>,
    /// What it cost us.
    pub cost: Nanos,
}

/// Attempts that ended in one way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Such as `overloaded`.
    pub name: String,
    pub count: u32,
}
