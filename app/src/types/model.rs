//! The models people can choose from.

use serde::{Deserialize, Serialize};

use super::Nanos;

/// A model as the picker shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// Stable, as stored and as asked for.
    pub key: String,
    pub name: String,
    /// What it is good at, in a few words.
    pub description: String,
    pub prices: ModelPrices,
    /// The person's plan includes it. One that is not included is shown, but cannot be chosen.
    pub is_included: bool,
}

/// What a million tokens cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelPrices {
    /// Tokens of the conversation that is read.
    pub input: Nanos,
    /// The same, where the provider had read them before.
    pub cached_input: Nanos,
    /// Tokens that are written, reasoning included.
    pub output: Nanos,
}
