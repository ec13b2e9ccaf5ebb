//! The one answer to a request for a reply.

use app::ApiError;
use app::types::{Credit, GenerationId, Limit, LimitName, Plan};

use super::run::Job;
use crate::services::account_queue::MOST_WAITING;
use crate::services::catalog::NoModel;
use crate::services::plans::AccountPlan;
use crate::store::claims::NewGeneration;

/// Whatever decides it.
pub enum Decision {
    Admitted(Box<Admitted>),
    /// The same request was admitted before.
    Repeated(GenerationId),
    /// Nothing was used up.
    Refused(Refusal),
    /// Its client left before its turn came, so nothing was begun.
    Abandoned,
}

/// A request that is counted and claimed, with its money set aside.
pub struct Admitted {
    pub(super) job: Box<Job>,
    pub(super) account: AccountPlan,
    pub(super) limits: Vec<Limit>,
    pub(super) credit: Credit,
}

/// Why a request gets no reply.
#[derive(Debug)]
pub struct Refusal {
    /// As operators count it.
    pub(crate) label: &'static str,
    /// Says how things stand and what to do.
    pub error: ApiError,
}

impl Decision {
    /// As operators count it.
    pub(super) fn label(&self) -> &'static str {
        match self {
            Self::Admitted(_) => "admitted",
            Self::Repeated(_) => "repeated",
            Self::Refused(refusal) => refusal.label,
            Self::Abandoned => "abandoned",
        }
    }
}

impl Admitted {
    /// What was claimed.
    pub fn generation(&self) -> &NewGeneration {
        &self.job.new
    }

    pub fn plan(&self) -> &Plan {
        &self.account.plan
    }
}

impl Refusal {
    pub(super) fn too_long() -> Self {
        let text = "This message is too long for the model. Shorten it and try again.";
        Self { label: "too_long", error: ApiError::invalid(text) }
    }

    /// None of the model's routes can.
    pub(super) fn no_json() -> Self {
        let text = "This model can only be held to a JSON Schema that is `strict`. Give it one, or ask another model.";
        Self { label: "no_json", error: ApiError::invalid(text) }
    }

    /// Too many requests of the account wait to be admitted.
    pub(super) fn too_many_waiting() -> Self {
        let (name, most) = (LimitName::WaitingRequests, MOST_WAITING);
        let limit = Limit { name, limit: most, used: most, held: 0, remaining: 0, resets_at: None };
        ApiError::LimitReached { limit, retry_after_seconds: 1 }.into()
    }

    /// This process takes no new replies; another one does, or soon will.
    pub(super) fn shutting_down() -> Self {
        ApiError::Unavailable { retry_after_seconds: 2 }.into()
    }
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        let label = match &error {
            ApiError::LimitReached { limit, .. } => limit.name.key(),
            ApiError::OutOfCredit { .. } => "out_of_credit",
            ApiError::CapReached { .. } => "cap",
            ApiError::Paused { .. } => "ceiling",
            ApiError::Frozen { .. } => "frozen",
            ApiError::Suspended => "suspended",
            ApiError::Unavailable { .. } => "shutting_down",
            _ => "other",
        };
        Self { label, error }
    }
}

impl From<NoModel> for Refusal {
    fn from(reason: NoModel) -> Self {
        Self { label: reason.label(), error: ApiError::invalid(reason.to_string()) }
    }
}
