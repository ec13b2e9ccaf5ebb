//! The ledger as a statement of account.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{EntryId, GenerationId, Month, Nanos, ThreadLabel};

/// Some entries of an account's ledger, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    pub entries: Vec<StatementEntry>,
    /// Older entries come before this one; none: these are the oldest.
    pub next: Option<EntryId>,
}

/// One change of the balance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementEntry {
    pub id: EntryId,
    pub reason: EntryReason,
    /// Below zero: spent or gone.
    pub amount: Nanos,
    /// What the account had after it.
    pub balance: Nanos,
    pub created_at: DateTime<Utc>,
}

/// Why the balance changed. `Display` is what a person reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum EntryReason {
    /// The plan's credit.
    MonthlyCredit {
        month: Month,
    },
    Reply {
        generation_id: GenerationId,
        thread: ThreadLabel,
    },
    /// A reply was settled after it had been given up: the difference.
    Correction {
        generation_id: GenerationId,
        thread: ThreadLabel,
    },
    /// Credit had an end.
    Expiry,
    /// Credit was taken back, after a refund for example.
    Reclaim,
    Refund,
    /// An operator gave credit.
    Gift,
    /// Credit of a subscription.
    Subscription,
    /// Credit that was bought.
    Pack,
    /// What of a reply was beyond credit: it is paid with the next invoice.
    Overage,
    /// None that this version knows.
    #[serde(other)]
    Other,
}

impl EntryReason {
    /// The reply it is about.
    pub fn generation_id(&self) -> Option<GenerationId> {
        match self {
            Self::Reply { generation_id, .. } | Self::Correction { generation_id, .. } => {
                Some(*generation_id)
            }
            _ => None,
        }
    }
}

impl fmt::Display for EntryReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MonthlyCredit { month } => write!(f, "Monthly credit for {}", month.name()),
            Self::Reply { thread, .. } => write!(f, "Reply in {}", thread.title),
            Self::Correction { thread, .. } => write!(f, "Correction of a reply in {}", thread.title),
            Self::Expiry => f.write_str("Credit that expired"),
            Self::Reclaim => f.write_str("Credit taken back"),
            Self::Refund => f.write_str("Refund"),
            Self::Gift => f.write_str("Credit given by the operator"),
            Self::Subscription => f.write_str("Credit of your subscription"),
            Self::Pack => f.write_str("Credit you bought"),
            Self::Overage => f.write_str("Pay as you go, on your next invoice"),
            Self::Other => f.write_str("Adjustment"),
        }
    }
}
