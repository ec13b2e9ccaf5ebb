//! What can be bought, what was bought, and how an account stands with paying.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Nanos, Plan};

/// How often a subscription is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interval {
    Month,
    Year,
}

/// As stored, and as a word for people.
impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Month => "month",
            Self::Year => "year",
        })
    }
}

impl Interval {
    /// As in an address; without a word that is known, monthly.
    pub fn from_query(word: Option<&str>) -> Self {
        match word {
            Some("year") => Self::Year,
            _ => Self::Month,
        }
    }

    /// `monthly` or `yearly`.
    pub fn rhythm(self) -> &'static str {
        match self {
            Self::Month => "monthly",
            Self::Year => "yearly",
        }
    }
}

/// What a plan costs, in US cents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    pub interval: Interval,
    pub amount_cents: u32,
}

/// A plan as it is offered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanOffer {
    pub plan: Plan,
    /// None for Free.
    pub prices: Vec<Price>,
    /// The names of the models it includes.
    pub models: Vec<String>,
}

/// Credit that is bought once and never expires.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackOffer {
    /// Stable, as stored.
    pub key: String,
    pub name: String,
    pub credit: Nanos,
    pub amount_cents: u32,
}

/// Everything that can be had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offers {
    /// False: nothing can be bought here, because no payments are set up.
    pub is_open: bool,
    /// Free first, then the cheapest.
    pub plans: Vec<PlanOffer>,
    pub packs: Vec<PackOffer>,
}

/// How an account stands with paying.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum Standing {
    /// No subscription, or one that has ended or was never paid.
    #[default]
    Free,
    Active,
    /// A payment failed. Everything stays as it was but the credit, which is smaller until it is paid.
    PastDue {
        since: DateTime<Utc>,
        grace_ends_at: DateTime<Utc>,
    },
    /// The grace has passed without a payment: no AI until it is paid; all else stays open.
    Frozen {
        since: DateTime<Utc>,
    },
    /// An operator has suspended the account: no AI, however it is paid; all else stays open. Only the person is told so:
    /// it says nothing of paying.
    Suspended,
}

impl Standing {
    /// An invoice waits to be paid.
    pub fn needs_payment(self) -> bool {
        matches!(self, Self::PastDue { .. } | Self::Frozen { .. })
    }
}

/// What is subscribed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    pub plan_key: String,
    pub plan_name: String,
    pub interval: Interval,
    /// What is paid each interval.
    pub amount_cents: u32,
    /// The end of the period that is paid for, when the next payment is due.
    pub renews_at: DateTime<Utc>,
    /// It was cancelled and runs until then.
    pub ends_at: Option<DateTime<Utc>>,
    /// What it changes to at the end of the period.
    pub changes_to: Option<PlannedChange>,
    /// A change that takes effect as soon as this invoice is paid, on a page of Stripe's.
    pub unpaid_change_url: Option<String>,
}

/// A change that waits for the end of the period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedChange {
    pub plan_key: String,
    pub plan_name: String,
    pub interval: Interval,
    pub amount_cents: u32,
    pub at: DateTime<Utc>,
}

/// The card that is charged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// As its network calls itself: `visa`.
    pub brand: String,
    pub last4: String,
    pub expires_month: u32,
    pub expires_year: u32,
}

impl Card {
    /// `Visa ending in 4242`.
    pub fn name(&self) -> String {
        let brand = match self.brand.as_str() {
            "visa" => "Visa",
            "mastercard" => "Mastercard",
            "amex" => "American Express",
            "discover" => "Discover",
            "jcb" => "JCB",
            "diners" => "Diners Club",
            "unionpay" => "UnionPay",
            _ => "Card",
        };
        format!("{brand} ending in {}", self.last4)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvoiceStatus {
    /// Not yet final.
    Draft,
    /// To be paid.
    Open,
    Paid,
    /// Paid and given back.
    Refunded,
    /// Given up: nobody has to pay it.
    Void,
    /// It will not be paid.
    Uncollectible,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invoice {
    /// On the invoice. None while it is a draft.
    pub number: Option<String>,
    pub status: InvoiceStatus,
    pub total_cents: i64,
    pub refunded_cents: i64,
    pub created_at: DateTime<Utc>,
    /// Stripe's page where it is paid or shown, with its receipt.
    pub url: Option<String>,
    pub pdf_url: Option<String>,
}

/// Credit that was bought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackPurchase {
    pub name: String,
    pub credit: Nanos,
    pub amount_cents: i64,
    pub refunded_cents: i64,
    pub bought_at: DateTime<Utc>,
    pub receipt_url: Option<String>,
}

/// Everything about an account's paying.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Billing {
    pub standing: Standing,
    pub subscription: Option<Subscription>,
    pub card: Option<Card>,
    /// Newest first.
    pub invoices: Vec<Invoice>,
    /// Newest first.
    pub packs: Vec<PackPurchase>,
    /// Pay as you go. None: it is not to be had.
    #[serde(default)]
    pub overage: Option<OverageTerms>,
    /// In force, whatever is subscribed to.
    #[serde(default)]
    pub plan_override: Option<PlanOverride>,
}

/// A plan that an operator has put in the place of the account's own, until a moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanOverride {
    pub plan_name: String,
    pub ends_at: DateTime<Utc>,
}

/// Pay as you go: what replies may cost beyond credit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverageTerms {
    /// The highest cap the plan allows. None: it cannot be switched on now.
    pub most: Option<Nanos>,
    /// The person's own, of a billing period. None: it is off.
    pub cap: Option<Nanos>,
    /// In this billing period, to be paid with the next invoice.
    pub used: Nanos,
    /// Set aside for replies in progress.
    pub held: Nanos,
}

/// How a visit to Stripe's page to pay ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum CheckoutOutcome {
    Subscribed {
        plan_name: String,
    },
    PackBought {
        name: String,
        credit: Nanos,
    },
    /// It is paid, or about to be, but Stripe has not told us the end yet: ask again in a few seconds.
    Pending,
    /// Nothing was paid.
    NotPaid,
}

/// The part of Stripe's pages a person is sent to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PortalPage {
    #[default]
    Overview,
    /// Where the card is changed.
    Card,
    /// Where the invoice whose payment failed is paid; without one, as `Card`.
    UnpaidInvoice,
}
