//! What replies may cost beyond credit, and how it is counted for Stripe's meter.

use app::types::Nanos;
use chrono::{DateTime, Utc};

use super::Cause;

/// Stripe's meter counts micro-dollars: fine enough for every reply, and a month of them fits any sum of Stripe's.
const NANOS_PER_UNIT: i64 = 1_000;

/// Pay as you go, as an account has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overage {
    /// The most of a billing period. None: it is off, or how the account stands does not allow it.
    pub cap: Option<Nanos>,
    /// None: no period is known.
    pub period_start: Option<DateTime<Utc>>,
    /// Of this period.
    pub used: Nanos,
    /// All there ever was.
    pub total: Nanos,
}

/// Overage as it is posted, and told to Stripe's meter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metered {
    pub cause: Cause,
    pub amount: Nanos,
    /// Whole micro-dollars. What is left over is in a later one: all of them are the total, rounded down once.
    pub units: i64,
    pub at: DateTime<Utc>,
    /// What the period's overage could have come to at most.
    pub limit: Nanos,
    /// How the account has it afterwards.
    pub after: Overage,
}

impl Overage {
    /// What may still be used, with so much `held` for replies in progress.
    pub(super) fn left(&self, held: Nanos) -> Nanos {
        self.cap.map_or(Nanos::ZERO, |cap| (cap - self.used - held).or_zero())
    }

    /// As people are told of it. None: it is off.
    pub(super) fn told(&self, held: Nanos) -> Option<app::types::Overage> {
        self.cap.map(|cap| app::types::Overage { cap, used: self.used, held })
    }

    /// Takes what is `beyond` credit, as far as it is `allowed`.
    pub(super) fn take(
        &mut self,
        cause: Cause,
        beyond: Nanos,
        allowed: Nanos,
        at: DateTime<Utc>,
    ) -> Option<Metered> {
        let amount = beyond.min(allowed);
        if amount <= Nanos::ZERO {
            return None;
        }
        let (limit, units_before) = (self.used + allowed, units(self.total));
        self.period_start.get_or_insert(at);
        self.used += amount;
        self.total += amount;
        let units = units(self.total) - units_before;
        Some(Metered { cause, amount, units, at, limit, after: *self })
    }
}

fn units(amount: Nanos) -> i64 {
    amount.0.div_euclid(NANOS_PER_UNIT)
}
