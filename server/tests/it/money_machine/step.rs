//! What a command comes down to for one account, and what came of it.

use app::types::GenerationId;
use chrono::{DateTime, Utc};

/// The number of a request, in the order in which requests were made.
pub type Request = usize;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    Claim {
        request: Request,
        id: GenerationId,
        tokens: u32,
        useful: u32,
    },
    Keep {
        id: GenerationId,
    },
    Settle {
        id: GenerationId,
        charged: i64,
    },
    Crash {
        id: GenerationId,
    },
    Sweep {
        id: GenerationId,
        charged: i64,
    },
    Give {
        grant: String,
        amount: i64,
        expires_at: Option<DateTime<Utc>>,
    },
    TakeBack {
        refund: String,
        grant: String,
        amount: i64,
    },
    EndGrant {
        grant: String,
    },
    EndMonth,
    /// The books were opened and written down, and nothing else.
    Open,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    Claimed {
        amount: i64,
    },
    Existing(GenerationId),
    Refused {
        available: i64,
        held: i64,
    },
    Renewed,
    HoldLost,
    Charged,
    Corrected,
    /// As the command wanted.
    Done,
    /// It was done before, or cannot be done any more.
    Nothing,
}

impl Outcome {
    /// Whether the account's books are different for it.
    pub fn is_change(&self) -> bool {
        matches!(self, Self::Claimed { .. } | Self::Charged | Self::Corrected | Self::Done)
    }
}
