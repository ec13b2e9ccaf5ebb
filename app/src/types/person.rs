//! A person and their account, as operators see them: everything but what people write.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    AccountId, ApiKey, AuditPage, Billing, EntryReason, FormId, GenerationId, Nanos, NoticeKind,
    PersonSummary, Quota, ReplyState, Session, Standing, ThreadId,
};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    pub summary: PersonSummary,
    pub account_id: AccountId,
    pub has_verified_email: bool,
    /// Names of the identity providers connected to this person.
    pub providers: Vec<String>,
    /// At Stripe. None: there was no checkout yet.
    pub customer_id: Option<String>,
    /// Where Stripe shows the customer, and where refunds are made. None: there is no customer, or another server than
    /// Stripe's own stands in for it.
    #[serde(default)]
    pub customer_page: Option<String>,
    pub suspended_at: Option<DateTime<Utc>>,
    /// Until then an unpaid subscription is borne, because an operator said so.
    pub grace_until: Option<DateTime<Utc>>,
    pub billing: Billing,
    /// With the limits in force, and how much of each is used now.
    pub quota: Quota,
    pub limit_override: Option<LimitOverride>,
    /// Key and name of each plan that can be put in the place of the account's own.
    pub plans: Vec<(String, String)>,
    /// Credit that lives or has something left, soonest-ending first.
    pub grants: Vec<LiveGrant>,
    pub holds: Vec<OpenHold>,
    /// The last seen first.
    pub sessions: Vec<Session>,
    /// The last changed ones, deleted ones too.
    pub threads: Vec<ThreadFacts>,
    /// Those that work, then those that were revoked last.
    #[serde(default)]
    pub api_keys: Vec<ApiKey>,
    /// The newest replies that failed or were interrupted, the last first.
    #[serde(default)]
    pub failed_replies: Vec<FailedReply>,
    /// The newest ones.
    pub notices: Vec<ToldNotice>,
    /// The newest events.
    pub audit: AuditPage,
    /// Of the forms that this is shown with: another one each time.
    pub form_id: FormId,
}

impl Person {
    /// What can be done for the account's payment: nothing when none is due.
    pub fn is_payment_due(&self) -> bool {
        matches!(self.summary.standing, Standing::PastDue { .. } | Standing::Frozen { .. })
    }
}

/// Other limits than the plan's. None: as the plan says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitOverride {
    pub requests_per_minute: Option<u32>,
    pub requests_per_day: Option<u32>,
    pub tokens_per_minute: Option<u32>,
    pub concurrent_replies: Option<u32>,
    pub ends_at: DateTime<Utc>,
}

/// Credit that was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveGrant {
    /// What for, as on the statement, and its cause in the ledger.
    pub reason: EntryReason,
    pub cause: String,
    pub amount: Nanos,
    pub remaining: Nanos,
    /// Of this, what is set aside for replies in progress.
    pub held: Nanos,
    /// None: never.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Money set aside for a reply in progress.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenHold {
    pub generation_id: GenerationId,
    pub amount: Nanos,
    /// Unless it is renewed.
    pub expires_at: DateTime<Utc>,
}

/// A conversation without a word of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadFacts {
    pub id: ThreadId,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub is_deleted: bool,
    pub messages: u64,
    pub charged: Nanos,
}

/// A reply that failed or was interrupted, without a word of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedReply {
    pub id: GenerationId,
    pub settled_at: DateTime<Utc>,
    /// A key.
    pub model: String,
    pub state: ReplyState,
    /// The key of the route that was asked last. None: none was.
    pub route: Option<String>,
    /// How that attempt ended, as it is recorded.
    pub outcome: Option<String>,
}

/// Something the person was told, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldNotice {
    /// None: a kind that this version does not know.
    pub kind: Option<NoticeKind>,
    pub title: String,
    pub created_at: DateTime<Utc>,
    /// A mail server has taken it.
    pub mailed_at: Option<DateTime<Utc>>,
    /// No mail could be sent, or none is wanted: the app tells it.
    pub kept_at: Option<DateTime<Utc>>,
}

/// Why an operator does something: not blank, at most [`Reason::MAX_CHARS`] characters. Kept in the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason(String);

impl Reason {
    pub const MAX_CHARS: usize = 500;

    /// # Errors
    /// Says in words what is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        match text.trim() {
            "" => Err("Write down why: it is kept in the audit log."),
            text if text.chars().count() > Self::MAX_CHARS => Err("A reason has at most 500 characters."),
            text => Ok(Self(text.to_owned())),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}
