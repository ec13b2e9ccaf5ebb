//! The audit log: who did what to whom, and from where.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{AuditId, UserId};

macro_rules! audit_kinds {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $title:literal;)*) => {
        /// What happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum AuditKind {
            $($(#[$doc])* $name,)*
        }

        impl AuditKind {
            pub const ALL: &[Self] = &[$(Self::$name),*];

            fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word),* }
            }

            /// For people.
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title),* }
            }
        }
    };
}

audit_kinds! {
    SignedIn = "signed_in", "Signed in";
    SignInRefused = "sign_in_refused", "Sign-in refused";
    SignedOut = "signed_out", "Signed out";
    SignedOutEverywhere = "signed_out_everywhere", "Signed out everywhere";
    /// The person ended another of their sessions.
    SessionRevoked = "session_revoked", "Session ended";
    ApiKeyCreated = "api_key_created", "API key created";
    ApiKeyRevoked = "api_key_revoked", "API key revoked";
    ErasureRequested = "erasure_requested", "Deletion of the account asked for";
    ErasureWithdrawn = "erasure_withdrawn", "Account kept after all";
    AccountErased = "account_erased", "Account erased";
    OperatorAdded = "operator_added", "Operator added";
    OperatorRemoved = "operator_removed", "Operator removed";
    CreditGiven = "credit_given", "Credit given";
    CreditTaken = "credit_taken", "Credit taken";
    Suspended = "suspended", "Suspended";
    Unsuspended = "unsuspended", "Suspension lifted";
    SignedOutByOperator = "signed_out_by_operator", "Signed out everywhere by an operator";
    LimitsOverridden = "limits_overridden", "Limits overridden";
    LimitOverrideEnded = "limit_override_ended", "Plan’s limits again";
    PlanOverridden = "plan_overridden", "Plan changed by an operator";
    PlanOverrideEnded = "plan_override_ended", "Own plan again";
    GraceExtended = "grace_extended", "Grace extended";
    ReadAgain = "read_again", "Read again from Stripe";
    /// An operator looks at the product as the person sees it.
    VisitBegun = "visit_begun", "Visit begun";
    VisitEnded = "visit_ended", "Visit ended";
    JobRetried = "job_retried", "Job tried again";
    JobDiscarded = "job_discarded", "Job discarded";
    UsageResent = "usage_resent", "Refused usage sent again";
    StripeEventReplayed = "stripe_event_replayed", "Stripe event replayed";
    RouteClosed = "route_closed", "Route closed to requests";
    RouteReopened = "route_reopened", "Route opened to requests";
    SwitchTurnedOn = "switch_turned_on", "Switch turned on";
    SwitchTurnedOff = "switch_turned_off", "Switch turned off";
    ModelTurnedOff = "model_turned_off", "Model turned off";
    ModelTurnedOn = "model_turned_on", "Model turned on";
    PricesSet = "prices_set", "Prices set";
    PricesWithdrawn = "prices_withdrawn", "Prices withdrawn";
    RouteCostsSet = "route_costs_set", "Costs of a route set";
    RouteMovedUp = "route_moved_up", "Route moved up";
    ModelMovedUp = "model_moved_up", "Model moved up";
    ReconciliationRequested = "reconciliation_requested", "Comparison with Stripe asked for";
}

/// As stored, and as in an address.
impl fmt::Display for AuditKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for AuditKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let kind = Self::ALL.iter().find(|kind| kind.as_str() == text);
        kind.copied().ok_or_else(|| format!("{text} is no kind of event"))
    }
}

/// Which events are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditQuery {
    pub kind: Option<AuditKind>,
    /// The person it was done to, or who did it to themself.
    pub person: Option<UserId>,
    pub operator: Option<UserId>,
    /// The request it was done by, as pages of errors say it.
    #[serde(default)]
    pub request_id: Option<Uuid>,
    /// Those that come after this one, which are older.
    pub after: Option<AuditId>,
}

impl AuditQuery {
    /// As in an address, by the names of its parameters: what is empty is not asked for.
    ///
    /// # Errors
    /// Says in words what makes no sense.
    pub fn from_address<'a>(value: impl Fn(&str) -> Option<&'a str>) -> Result<Self, String> {
        fn part<T: FromStr>(text: Option<&str>, what: &str) -> Result<Option<T>, String> {
            let text = text.map(str::trim).filter(|text| !text.is_empty());
            text.map(|text| text.parse().map_err(|_| format!("“{text}” is no {what}."))).transpose()
        }
        Ok(Self {
            kind: part(value("kind"), "kind of event")?,
            person: part(value("person"), "person’s id")?,
            operator: part(value("operator"), "operator’s id")?,
            request_id: part(value("request"), "request’s id")?,
            after: part(value("after"), "place in the log")?,
        })
    }
}

/// Some events, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditPage {
    pub events: Vec<AuditEvent>,
    /// Older ones come after this one; none: these are the oldest.
    pub next: Option<AuditId>,
    /// The request that was asked for by its id, if it failed. None: nothing is kept of it.
    #[serde(default)]
    pub failed_request: Option<FailedRequest>,
}

/// A request that was answered with a fault of ours, which is in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedRequest {
    pub at: DateTime<Utc>,
    pub method: String,
    /// The pattern of its path.
    pub route: String,
    pub status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEvent {
    pub id: AuditId,
    pub at: DateTime<Utc>,
    /// None: a kind that this version does not know.
    pub kind: Option<AuditKind>,
    /// None: the person did it, or nobody.
    pub operator: Option<PersonLabel>,
    pub person: Option<PersonLabel>,
    pub changes: Vec<AuditChange>,
    /// In the operator's words.
    pub reason: String,
    /// More about it, in ours.
    pub detail: String,
    pub address: Option<String>,
    pub request_id: String,
}

impl AuditEvent {
    pub fn title(&self) -> &'static str {
        self.kind.map_or("Something newer", AuditKind::title)
    }
}

/// A person as lists name them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonLabel {
    pub id: UserId,
    /// Empty when the person is gone.
    pub name: String,
}

/// What an event changed. None: it was not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditChange {
    pub name: String,
    pub before: Option<String>,
    pub after: Option<String>,
}

impl fmt::Display for AuditChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.replace('_', " ");
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => write!(f, "{name}: {before} → {after}"),
            (None, Some(after)) => write!(f, "{name}: {after}"),
            (Some(before), None) => write!(f, "{name}: {before} → none"),
            (None, None) => f.write_str(&name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::AuditKind;

    #[test]
    fn every_kind_is_read_as_it_is_stored() {
        for kind in AuditKind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(*kind));
            assert_eq!(serde_json::json!(kind), kind.to_string());
        }
    }
}
