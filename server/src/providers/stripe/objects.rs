//! Stripe's objects, as far as they matter to us.

use std::fmt;
use std::str::FromStr;

use app::types::{Card, Interval};
use chrono::{DateTime, Utc};
use serde_json::Value;

/// Where a subscription is in its life, in Stripe's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubscriptionStatus {
    Incomplete,
    IncompleteExpired,
    Trialing,
    Active,
    PastDue,
    Unpaid,
    Canceled,
    Paused,
}

impl SubscriptionStatus {
    pub const ALL: [Self; 8] = [
        Self::Incomplete,
        Self::IncompleteExpired,
        Self::Trialing,
        Self::Active,
        Self::PastDue,
        Self::Unpaid,
        Self::Canceled,
        Self::Paused,
    ];

    /// It is paid for, or to be paid for: there must be only one.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Trialing | Self::Active | Self::PastDue | Self::Unpaid | Self::Paused)
    }

    /// Its payments bring credit, in the place of what everybody gets for a calendar month.
    pub fn gives_credit(self) -> bool {
        self.is_live() && self != Self::Paused
    }

    /// A payment for a period that runs has failed.
    pub fn is_due(self) -> bool {
        matches!(self, Self::PastDue | Self::Unpaid)
    }

    /// Stripe bills what is used beyond what is paid for: nothing of a trial, and nothing while a payment is due.
    pub fn bills_usage(self) -> bool {
        self == Self::Active
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Incomplete => "incomplete",
            Self::IncompleteExpired => "incomplete_expired",
            Self::Trialing => "trialing",
            Self::Active => "active",
            Self::PastDue => "past_due",
            Self::Unpaid => "unpaid",
            Self::Canceled => "canceled",
            Self::Paused => "paused",
        }
    }
}

/// As Stripe writes it, and as stored.
impl fmt::Display for SubscriptionStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for SubscriptionStatus {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let status = Self::ALL.into_iter().find(|status| status.as_str() == text);
        status.ok_or_else(|| format!("{text} is no status of a subscription"))
    }
}

/// Everything about a customer that has to do with us.
#[derive(Clone, Debug, Default)]
pub struct Customer {
    /// There is nothing of it any more, and nothing can be sold to it.
    pub is_deleted: bool,
    /// The card that is charged unless a subscription has one of its own.
    pub card: Option<Card>,
    /// Also those that have ended, newest first.
    pub subscriptions: Vec<Subscription>,
    /// Newest first.
    pub invoices: Vec<Invoice>,
    /// What was charged, or tried in vain, newest first.
    pub charges: Vec<Charge>,
    /// The pages to pay that somebody has gone through, newest first.
    pub checkouts: Vec<Checkout>,
}

#[derive(Clone, Debug)]
pub struct Subscription {
    pub id: String,
    pub customer_id: String,
    pub status: SubscriptionStatus,
    pub created_at: DateTime<Utc>,
    /// What is subscribed to: we sell one thing a subscription.
    pub item_id: String,
    pub price: Price,
    /// What is billed by the meter besides.
    pub metered: Option<MeteredItem>,
    pub period_start: DateTime<Utc>,
    pub period_end: DateTime<Utc>,
    /// It was cancelled, and runs until then.
    pub ends_at: Option<DateTime<Utc>>,
    pub schedule: Option<Schedule>,
    pub card: Option<Card>,
    /// A change that waits for the latest invoice to be paid.
    pub pending_update: Option<PendingUpdate>,
    /// The one whose payment decides how the subscription stands.
    pub latest_invoice_id: Option<String>,
}

impl Subscription {
    /// What a change that waits for its payment leads to.
    pub fn pending_price_id(&self) -> Option<&str> {
        self.pending_update.as_ref()?.price_id.as_deref()
    }

    /// What it changes to at the end of the period.
    pub fn planned_price_id(&self) -> Option<&str> {
        self.schedule.as_ref()?.next.as_ref().map(|(price_id, _)| price_id.as_str())
    }
}

/// A change that is made once it is paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingUpdate {
    /// What will be subscribed to. None: the same as now.
    pub price_id: Option<String>,
}

/// The item of a subscription that is billed by the meter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeteredItem {
    pub id: String,
    pub price_id: String,
}

/// Changes that are planned.
#[derive(Clone, Debug)]
pub struct Schedule {
    pub id: String,
    /// The price there will be, and from when on.
    pub next: Option<(String, DateTime<Utc>)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    pub id: String,
    pub product_id: String,
    pub lookup_key: Option<String>,
    pub amount_cents: i64,
    pub is_in_dollars: bool,
    /// None: paid once, or at other intervals than ours.
    pub interval: Option<Interval>,
    /// None: it is paid for in advance.
    pub metered: Option<MeteredPrice>,
}

/// How a price is billed by a meter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeteredPrice {
    pub meter_id: String,
    /// Of a unit, a decimal number.
    pub unit_cents: String,
}

#[derive(Clone, Debug)]
pub struct Invoice {
    pub id: String,
    pub number: Option<String>,
    /// In Stripe's words: `draft`, `open`, `paid`, `void` or `uncollectible`.
    pub status: String,
    /// Why it was made, in Stripe's words: `subscription_cycle` and others.
    pub billing_reason: Option<String>,
    pub subscription_id: Option<String>,
    pub total_cents: i64,
    pub created_at: DateTime<Utc>,
    pub finalized_at: Option<DateTime<Utc>>,
    pub paid_at: Option<DateTime<Utc>>,
    /// How often Stripe has tried to collect it by itself.
    pub attempts: u64,
    /// When it tries again. None: not by itself.
    pub next_attempt_at: Option<DateTime<Utc>>,
    pub lines: Vec<InvoiceLine>,
    /// What it was paid with.
    pub payment_intent_ids: Vec<String>,
    pub url: Option<String>,
    pub pdf_url: Option<String>,
}

#[derive(Clone, Debug)]
pub struct InvoiceLine {
    pub product_id: Option<String>,
    pub amount_cents: i64,
    /// For a part of a period, after a change.
    pub is_proration: bool,
    pub start: DateTime<Utc>,
    pub end: DateTime<Utc>,
}

/// Money that was taken, and what came back of it.
#[derive(Clone, Debug)]
pub struct Charge {
    pub payment_intent_id: Option<String>,
    pub amount_cents: i64,
    pub receipt_url: Option<String>,
    /// Also those that failed.
    pub refunds: Vec<MoneyBack>,
    /// Those that took money, also if it came back.
    pub disputes: Vec<MoneyBack>,
}

/// A refund or a dispute.
#[derive(Clone, Debug)]
pub struct MoneyBack {
    pub id: String,
    pub amount_cents: i64,
    pub created_at: DateTime<Utc>,
    /// It is ours again: the refund failed, or the dispute was won.
    pub came_back: bool,
    /// Both in Stripe's words.
    pub status: String,
    pub reason: Option<String>,
}

/// A page to pay.
#[derive(Clone, Debug)]
pub struct Checkout {
    pub id: String,
    pub customer_id: Option<String>,
    pub state: CheckoutState,
    /// Where it is, while it is open.
    pub url: Option<String>,
    /// What it sells: the pack and its credit, in nano-dollars, as they were then. None: a subscription.
    pub pack: Option<(String, i64)>,
    pub payment_intent_id: Option<String>,
    pub amount_cents: i64,
    pub created_at: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckoutState {
    Open,
    /// Done, but the money is on its way.
    Unpaid,
    Paid,
    Expired,
}

/// Something that happened at Stripe.
#[derive(Clone, Debug)]
pub struct Event {
    pub id: String,
    pub kind: String,
    pub api_version: Option<String>,
    /// None: it does not say.
    pub is_live: Option<bool>,
    /// None: it does not say.
    pub created_at: Option<DateTime<Utc>>,
    /// Whom it concerns.
    pub customer_id: Option<String>,
    /// Where the customer must be asked for: the charge it is about.
    pub charge_id: Option<String>,
    pub payload: Value,
}

/// Where Stripe tells what happens.
#[derive(Clone, Debug)]
pub struct WebhookEndpoint {
    pub id: String,
    pub url: String,
    pub is_enabled: bool,
    /// None: that of the account.
    pub api_version: Option<String>,
    /// The kinds of events it is told of; `*`: of all.
    pub events: Vec<String>,
}
