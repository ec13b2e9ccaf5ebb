//! What a person wants to spend at most, and what they are told on the way there.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Nanos, ThreadId};

/// How much may be spent, and what happens then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapTerms {
    pub limit: Nanos,
    /// Refuses replies that do not fit. False: only warns.
    pub is_hard: bool,
}

/// What counts against a cap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum CapScope {
    /// All replies of a calendar month, in UTC.
    #[serde(rename = "month")]
    Monthly {
        /// False: it is the plan's, and the person has set none.
        is_own: bool,
    },
    /// All replies of a conversation, or of an API key, ever.
    #[serde(rename = "conversation")]
    Thread {
        thread_id: ThreadId,
        title: String,
        /// False: it is the plan's, and the person has set none.
        #[serde(default = "is_own")]
        is_own: bool,
        /// It is no conversation but all that programs ask with an API key, whose id is the thread's.
        #[serde(default)]
        is_program: bool,
    },
}

/// Of versions in which plans had no caps of conversations.
fn is_own() -> bool {
    true
}

/// A cap, and where spending stands with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cap {
    pub scope: CapScope,
    pub limit: Nanos,
    pub is_hard: bool,
    /// Charged so far.
    pub used: Nanos,
    /// Set aside for replies in progress.
    pub held: Nanos,
    /// What a new reply may still cost, never below zero.
    pub remaining: Nanos,
    /// When counting begins anew. None: never.
    pub resets_at: Option<DateTime<Utc>>,
}

impl Cap {
    pub fn new(
        scope: CapScope,
        CapTerms { limit, is_hard }: CapTerms,
        used: Nanos,
        held: Nanos,
        resets_at: Option<DateTime<Utc>>,
    ) -> Self {
        Self { scope, limit, is_hard, used, held, remaining: (limit - used - held).or_zero(), resets_at }
    }

    pub fn terms(&self) -> CapTerms {
        CapTerms { limit: self.limit, is_hard: self.is_hard }
    }

    /// None: it counts a month.
    pub fn thread_id(&self) -> Option<ThreadId> {
        match self.scope {
            CapScope::Monthly { .. } => None,
            CapScope::Thread { thread_id, .. } => Some(thread_id),
        }
    }
}

/// What an alert is a part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertBasis {
    /// The month's cap.
    Cap,
    /// The month's credit, where there is no cap.
    Credit,
}

/// Says that this month's spending has passed a part of its cap or its credit, until it is dismissed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    pub basis: AlertBasis,
    /// 50, 80 or 100.
    pub percent: u8,
}

/// What a conversation has cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadSpending {
    /// Charged so far.
    pub used: Nanos,
    /// Set aside for replies in progress.
    pub held: Nanos,
    /// None: there is none.
    pub cap: Option<CapTerms>,
    /// The person has decided on it, also that there is none. False: it is as the plan says.
    #[serde(default = "is_own")]
    pub is_own: bool,
    /// The plan's for each conversation, whatever the person has set.
    #[serde(default)]
    pub plan_cap: Option<CapTerms>,
}
