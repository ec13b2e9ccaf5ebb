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
    pub reason: RefusalReason,
    /// Says how things stand and what to do.
    pub error: ApiError,
    /// Where the account stands with all its limits, when one of them is in the way.
    pub(crate) limits: Vec<Limit>,
}

/// What stands in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalReason {
    /// What is to be read does not fit into the model's context beside the answer.
    TooLong,
    /// None of the model's routes can be held to the JSON that is wanted.
    NoJson,
    NoModel(NoModel),
    Limit(LimitName),
    OutOfCredit,
    Cap,
    Ceiling,
    Frozen,
    Suspended,
    ShuttingDown,
    Other,
}

impl RefusalReason {
    /// As operators count it.
    fn label(self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::NoJson => "no_json",
            Self::NoModel(reason) => reason.label(),
            Self::Limit(name) => name.key(),
            Self::OutOfCredit => "out_of_credit",
            Self::Cap => "cap",
            Self::Ceiling => "ceiling",
            Self::Frozen => "frozen",
            Self::Suspended => "suspended",
            Self::ShuttingDown => "shutting_down",
            Self::Other => "other",
        }
    }
}

impl From<&ApiError> for RefusalReason {
    fn from(error: &ApiError) -> Self {
        match error {
            ApiError::LimitReached { limit, .. } => Self::Limit(limit.name),
            ApiError::OutOfCredit { .. } => Self::OutOfCredit,
            ApiError::CapReached { .. } => Self::Cap,
            ApiError::Paused { .. } => Self::Ceiling,
            ApiError::Frozen { .. } => Self::Frozen,
            ApiError::Suspended => Self::Suspended,
            ApiError::Unavailable { .. } => Self::ShuttingDown,
            _ => Self::Other,
        }
    }
}

impl Decision {
    /// As operators count it.
    pub(super) fn label(&self) -> &'static str {
        match self {
            Self::Admitted(_) => "admitted",
            Self::Repeated(_) => "repeated",
            Self::Refused(refusal) => refusal.reason.label(),
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
    fn new(reason: RefusalReason, error: ApiError) -> Self {
        Self { reason, error, limits: Vec::new() }
    }

    /// What a person says.
    pub(super) fn too_long() -> Self {
        let text = "This message is too long for the model. Shorten it and try again.";
        Self::new(RefusalReason::TooLong, ApiError::invalid(text))
    }

    /// What a program sends: so many tokens to be read beside the longest answer wanted. Clients look for how it begins.
    pub(super) fn too_many_tokens(read: u32, written: u32, context: u32) -> Self {
        let text = format!(
            "This model's maximum context length is {context} tokens. By our estimate {read} are sent, and the answer may take {written} more. Send less, or ask for a shorter answer."
        );
        Self::new(RefusalReason::TooLong, ApiError::invalid(text))
    }

    /// None of the model's routes can.
    pub(super) fn no_json() -> Self {
        let text = "This model can only be held to a JSON Schema that is `strict`. Give it one, or ask another model.";
        Self::new(RefusalReason::NoJson, ApiError::invalid(text))
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
        Self::new(RefusalReason::from(&error), error)
    }
}

impl From<NoModel> for Refusal {
    fn from(reason: NoModel) -> Self {
        Self::new(RefusalReason::NoModel(reason), ApiError::invalid(reason.to_string()))
    }
}
