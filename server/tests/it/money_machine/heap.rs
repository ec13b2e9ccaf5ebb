//! What a grant has of its amount.

use std::collections::BTreeMap;

use app::types::GenerationId;
use chrono::{DateTime, Utc};

use super::state::GrantState;

#[derive(Clone, Debug)]
pub struct Heap {
    pub grant: String,
    pub ends_at: DateTime<Utc>,
    pub has_ended: bool,
    pub amount: i64,
    pub free: i64,
    pub set_aside: BTreeMap<GenerationId, i64>,
    /// Of what is set aside, so much goes when it comes free.
    pub reclaim: i64,
    /// So much of the amount was asked back in all.
    pub taken_back: i64,
}

impl Heap {
    pub fn left(&self) -> i64 {
        self.free + self.set_aside.values().sum::<i64>()
    }

    pub fn limit_reclaim(&mut self) {
        self.reclaim = self.reclaim.clamp(0, self.left());
    }

    /// What may come back: nothing that was taken back, and nothing once it has ended.
    pub fn room(&self) -> i64 {
        if self.has_ended { 0 } else { (self.amount - self.taken_back - (self.left() - self.reclaim)).max(0) }
    }

    pub fn state(&self) -> GrantState {
        let Self { amount, reclaim, taken_back, .. } = *self;
        GrantState { amount, remaining: self.left(), reclaim, taken_back }
    }
}
