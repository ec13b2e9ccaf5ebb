//! What people are told about their account, and by which way.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::NoticeId;

/// What a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// Money was received.
    Receipt,
    PaymentFailed,
    CardExpiring,
    PlanChanged,
    /// A part of the month's cap or credit is spent.
    BudgetAlert,
    /// Everything personal will be erased.
    AccountErasure,
}

impl NoticeKind {
    pub const ALL: [Self; 6] = [
        Self::Receipt,
        Self::PaymentFailed,
        Self::CardExpiring,
        Self::PlanChanged,
        Self::BudgetAlert,
        Self::AccountErasure,
    ];

    /// Mails of this kind can be turned off. The others are about money that was taken or is owed, about what is
    /// subscribed to, and about what is lost for good: people have to get them.
    pub fn is_optional(self) -> bool {
        matches!(self, Self::CardExpiring | Self::BudgetAlert)
    }

    /// Nothing else in the app says it. A failed payment has its banner, so has an erasure, and spending its alert.
    pub fn is_told_by_notice_only(self) -> bool {
        matches!(self, Self::Receipt | Self::CardExpiring | Self::PlanChanged)
    }

    /// The mails of this kind, for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Receipt => "Receipts",
            Self::PaymentFailed => "Payments that failed",
            Self::CardExpiring => "A card that is about to expire",
            Self::PlanChanged => "Changes of your plan",
            Self::BudgetAlert => "Spending that reaches 50, 80 or 100 % of your cap or credit",
            Self::AccountErasure => "The deletion of your account",
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Receipt => "receipt",
            Self::PaymentFailed => "payment_failed",
            Self::CardExpiring => "card_expiring",
            Self::PlanChanged => "plan_changed",
            Self::BudgetAlert => "budget_alert",
            Self::AccountErasure => "account_erasure",
        }
    }
}

/// As stored, and as in an address.
impl fmt::Display for NoticeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for NoticeKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let kind = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        kind.ok_or_else(|| format!("{text} is no kind of notice"))
    }
}

/// Something that no mail could tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    pub id: NoticeId,
    pub title: String,
    /// A few sentences. Times in them are in UTC, and say so.
    pub text: String,
    pub created_at: DateTime<Utc>,
}

/// Where mails go, and which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailSettings {
    pub route: MailRoute,
    /// One for each kind that can be turned off.
    pub switches: Vec<MailSwitch>,
}

/// How somebody is told what concerns their account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailRoute {
    /// By mail to their verified address.
    Mail,
    /// In the app: there is no verified address.
    NoAddress,
    /// In the app: no mail is sent from here.
    NoMail,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailSwitch {
    pub kind: NoticeKind,
    pub is_on: bool,
}
