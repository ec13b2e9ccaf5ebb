//! The ways to the models, as operators see them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{ModelPrices, Nanos};

/// Whether a route is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// It is: requests go through.
    Closed,
    /// It failed too often, and is tried again in so many seconds at most. 0: it is half-open, and one request at a time goes
    /// through to try.
    Open { seconds: u32 },
    /// An operator keeps requests from it.
    Held,
}

/// A model, what it costs people, and the ways to it in the order in which they are asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderReport {
    pub key: String,
    /// Its name.
    pub model: String,
    /// Turned off by an operator: nobody can choose it.
    pub is_off: bool,
    /// The newest version first: those to come, the one in force, and those that were.
    pub prices: Vec<PriceVersion>,
    /// The version in force.
    pub price_version: u32,
    pub routes: Vec<RouteReport>,
}

/// What a model costs people from a moment on. A reply is charged by the version in force when it was admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceVersion {
    pub version: u32,
    pub prices: ModelPrices,
    pub effective_from: DateTime<Utc>,
    pub is_to_come: bool,
}

/// A route and its last 24 hours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteReport {
    pub key: String,
    pub host: String,
    /// None: Redis is away, and every process decides by itself.
    pub breaker: Option<BreakerState>,
    pub attempts: u32,
    /// How the attempts ended that failed, the most frequent first.
    pub outcomes: Vec<Outcome>,
    /// None: nothing was answered.
    pub first_token_ms_p50: Option<u32>,
    pub first_token_ms_p95: Option<u32>,
    /// What it cost us.
    pub cost: Nanos,
    /// What it costs us by the million tokens.
    pub costs: ModelPrices,
}

/// Attempts that ended in one way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Such as `overloaded`.
    pub name: String,
    pub count: u32,
}
