//! How an account stands with paying, and what that opens. `docs/billing.md` has the same as a table.

use app::types::Standing;
use chrono::{DateTime, Utc};

use crate::providers::stripe::SubscriptionStatus;
use crate::store::subscriptions::Dunning;

/// What a subscription in a status of Stripe's means at a moment.
pub fn standing_of(dunning: &Dunning, at: DateTime<Utc>) -> Standing {
    use SubscriptionStatus::*;

    match (dunning.status, dunning.past_due) {
        (Trialing | Active, _) => Standing::Active,
        (PastDue, Some((since, grace_ends_at))) if at < grace_ends_at => {
            Standing::PastDue { since, grace_ends_at }
        }
        // Stripe has given up trying, or we have given up waiting.
        (PastDue | Unpaid, Some((_, grace_ends_at))) => Standing::Frozen { since: grace_ends_at.min(at) },
        // Nothing more is charged for it until it is paid, so nothing more is to be had.
        (Unpaid, None) => Standing::Frozen { since: at },
        // Its invoices were waived, and the next one is charged as ever: nothing to hold against anybody.
        (PastDue, None) => Standing::Active,
        (Incomplete | IncompleteExpired | Canceled | Paused, _) => Standing::Free,
    }
}

/// The same, where an operator bears an unpaid subscription longer than its plan does, even after Stripe has given up.
pub fn extended(
    standing: Standing,
    dunning: &Dunning,
    until: Option<DateTime<Utc>>,
    at: DateTime<Utc>,
) -> Standing {
    let Some(until) = until.filter(|until| *until > at) else { return standing };
    let (since, grace_ends_at) = dunning.past_due.unwrap_or((at, until));
    match standing.needs_payment() {
        true => Standing::PastDue { since, grace_ends_at: grace_ends_at.max(until) },
        false => standing,
    }
}

/// What a standing opens. Reading, export and billing are always open, so nothing asks for that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    pub has_replies: bool,
    /// The limits of the plan that is paid for; otherwise those of Free.
    pub has_paid_limits: bool,
    /// The credit of Free, each calendar month. Credit that was bought can always be spent where there are replies.
    pub has_free_credit: bool,
    /// Replies may cost more than there is credit, where the person has switched that on.
    pub has_overage: bool,
}

impl Access {
    /// `status`: of the subscription, if there is one.
    pub fn of(standing: Standing, status: Option<SubscriptionStatus>) -> Self {
        let paid = Self {
            has_replies: true,
            has_paid_limits: true,
            has_free_credit: false,
            has_overage: status.is_some_and(SubscriptionStatus::bills_usage),
        };
        match standing {
            Standing::Free => {
                Self { has_paid_limits: false, has_free_credit: true, has_overage: false, ..paid }
            }
            Standing::Active => paid,
            Standing::PastDue { .. } => Self { has_overage: false, ..paid },
            Standing::Frozen { .. } | Standing::Suspended => {
                Self { has_replies: false, has_overage: false, ..paid }
            }
        }
    }
}

#[cfg(test)]
mod tests;
