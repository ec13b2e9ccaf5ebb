//! What Stripe told us, and how its books and ours compare, as operators see it.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{EntryId, Nanos, PersonLabel};

/// How far an event is dealt with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventState {
    #[default]
    All,
    /// Not yet.
    Waiting,
    /// Not yet, and at least one try has failed.
    Failed,
}

impl EventState {
    pub const ALL: [Self; 3] = [Self::All, Self::Waiting, Self::Failed];

    fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Waiting => "waiting",
            Self::Failed => "failed",
        }
    }

    /// For people.
    pub fn title(self) -> &'static str {
        match self {
            Self::All => "All events",
            Self::Waiting => "Not dealt with",
            Self::Failed => "Failed",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// As in an address.
impl fmt::Display for EventState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which events are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventsQuery {
    #[serde(default)]
    pub state: EventState,
    /// The customer's id at Stripe.
    pub customer: Option<String>,
    /// Those received before this moment.
    pub before: Option<DateTime<Utc>>,
}

impl EventsQuery {
    /// As in an address: what is empty is not asked for, and what makes no sense neither.
    pub fn from_address(value: impl Fn(&str) -> Option<String>) -> Self {
        let value = |name| value(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        Self {
            state: value("state").and_then(|text| EventState::parse(&text)).unwrap_or_default(),
            customer: value("customer"),
            before: value("before").and_then(|at| at.parse().ok()),
        }
    }
}

/// Some events, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventsPage {
    pub events: Vec<StripeEvent>,
    /// Older ones were received before; none: these are the oldest.
    pub next: Option<DateTime<Utc>>,
}

/// An event in the inbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StripeEvent {
    /// Stripe's.
    pub id: String,
    /// Such as `invoice.paid`.
    pub kind: String,
    pub customer_id: Option<String>,
    pub received_at: DateTime<Utc>,
    /// When what it may have changed was read from Stripe and written.
    pub processed_at: Option<DateTime<Utc>>,
    /// Why the last try failed.
    pub error: Option<String>,
    /// How often it was tried to deal with it.
    #[serde(default)]
    pub attempts: u32,
}

/// An event with all that Stripe sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StripeEventDetail {
    pub event: StripeEvent,
    pub api_version: Option<String>,
    pub is_live: bool,
    /// JSON, in lines.
    pub payload: String,
}

/// How our books and Stripe's compare.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StripeReport {
    pub inbox: Inbox,
    pub meter: MeterExport,
    /// The last ones, newest first.
    pub comparisons: Vec<Comparison>,
    /// The last that Stripe's meter refused and nobody had sent again, newest first.
    #[serde(default)]
    pub refused_usage: Vec<RefusedUsage>,
    /// The last refunds and disputes, newest first.
    #[serde(default)]
    pub money_back: Vec<MoneyBack>,
}

/// What is not dealt with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inbox {
    pub waiting: u32,
    pub failed: u32,
    /// When the oldest of them was received.
    pub waiting_since: Option<DateTime<Utc>>,
}

/// Overage on its way to Stripe's meter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeterExport {
    pub waiting: u32,
    pub waiting_amount: Nanos,
    /// Never taken by Stripe, so never billed.
    pub refused: u32,
    pub refused_amount: Nanos,
}

/// What was compared, and what differed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    pub title: String,
    pub at: DateTime<Utc>,
    /// Sentences; none: all agreed.
    pub findings: Vec<String>,
    /// Whom sentences are about that begin with a customer.
    #[serde(default)]
    pub customers: Vec<CustomerLabel>,
}

/// A customer at Stripe, and the person it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerLabel {
    pub id: String,
    pub person: PersonLabel,
}

/// Overage of a reply that Stripe's meter has refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedUsage {
    /// In the ledger.
    pub id: EntryId,
    /// None: the person is gone.
    pub person: Option<PersonLabel>,
    pub amount: Nanos,
    pub occurred_at: DateTime<Utc>,
    pub refused_at: DateTime<Utc>,
    /// In Stripe's words.
    pub error: Option<String>,
}

/// A refund, or a dispute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoneyBack {
    /// Stripe's.
    pub id: String,
    pub is_dispute: bool,
    /// None: the person is gone.
    pub person: Option<PersonLabel>,
    pub amount_cents: i64,
    /// Both in Stripe's words, such as `needs_response` and `fraudulent`.
    pub status: String,
    pub reason: Option<String>,
    pub created_at: DateTime<Utc>,
}
