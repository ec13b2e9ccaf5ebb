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
    Expiry {
        /// None: what a correction of `reply` gave back too late.
        #[serde(default)]
        credit: Option<CreditLabel>,
        #[serde(default)]
        reply: Option<ReplyLabel>,
    },
    /// Credit was taken back, after a refund for example.
    Reclaim {
        /// None: it is not known which.
        #[serde(default)]
        credit: Option<CreditLabel>,
    },
    Refund,
    /// An operator gave credit.
    Gift,
    /// Credit of a subscription.
    Subscription,
    /// Credit that was bought.
    Pack,
    /// What of a reply was beyond credit: it is paid with the next invoice.
    Overage {
        #[serde(default)]
        reply: Option<ReplyLabel>,
    },
    /// None that this version knows.
    #[serde(other)]
    Other,
}

/// A reply, and the conversation it is in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyLabel {
    pub generation_id: GenerationId,
    pub thread: ThreadLabel,
}

/// Credit, as the entry has it that gave it. `Display` goes on a sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreditLabel {
    pub reason: Box<EntryReason>,
    pub given_at: DateTime<Utc>,
}

impl EntryReason {
    /// The reply it is about.
    pub fn generation_id(&self) -> Option<GenerationId> {
        match self {
            Self::Reply { generation_id, .. } | Self::Correction { generation_id, .. } => {
                Some(*generation_id)
            }
            Self::Overage { reply } | Self::Expiry { reply, .. } => {
                reply.as_ref().map(|reply| reply.generation_id)
            }
            _ => None,
        }
    }

    /// The conversation it names.
    pub fn thread_mut(&mut self) -> Option<&mut ThreadLabel> {
        match self {
            Self::Reply { thread, .. } | Self::Correction { thread, .. } => Some(thread),
            Self::Overage { reply } | Self::Expiry { reply, .. } => {
                reply.as_mut().map(|reply| &mut reply.thread)
            }
            _ => None,
        }
    }
}

impl fmt::Display for CreditLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let day = self.given_at.format("%-d %B %Y");
        match &*self.reason {
            EntryReason::MonthlyCredit { month } => write!(f, "the monthly credit for {}", month.name()),
            EntryReason::Gift => write!(f, "what the operator gave on {day}"),
            EntryReason::Subscription => write!(f, "what your subscription gave on {day}"),
            EntryReason::Pack => write!(f, "what you bought on {day}"),
            _ => write!(f, "what was given on {day}"),
        }
    }
}

impl fmt::Display for EntryReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MonthlyCredit { month } => write!(f, "Monthly credit for {}", month.name()),
            Self::Reply { thread, .. } => write!(f, "Reply in {}", thread.title),
            Self::Correction { thread, .. } => write!(f, "Correction of a reply in {}", thread.title),
            Self::Expiry { credit: Some(credit), .. } => write!(f, "Credit that expired: {credit}"),
            Self::Expiry { credit: None, reply: Some(reply) } => {
                write!(f, "Credit that expired before the correction of a reply in {}", reply.thread.title)
            }
            Self::Expiry { credit: None, reply: None } => f.write_str("Credit that expired"),
            Self::Reclaim { credit: Some(credit) } => write!(f, "Credit taken back: {credit}"),
            Self::Reclaim { credit: None } => f.write_str("Credit taken back"),
            Self::Refund => f.write_str("Refund"),
            Self::Gift => f.write_str("Credit given by the operator"),
            Self::Subscription => f.write_str("Credit of your subscription"),
            Self::Pack => f.write_str("Credit you bought"),
            Self::Overage { reply: Some(reply) } => {
                write!(f, "Pay as you go for a reply in {}, on your next invoice", reply.thread.title)
            }
            Self::Overage { reply: None } => f.write_str("Pay as you go, on your next invoice"),
            Self::Other => f.write_str("Adjustment"),
        }
    }
}
