//! Deleting one's account.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// When an account is erased, and whether it can be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureTerms {
    /// The person has asked for it. Otherwise the terms are those of asking now.
    pub is_requested: bool,
    pub erase_at: DateTime<Utc>,
    /// Why it cannot be asked for. None: it can.
    pub obstacle: Option<ErasureObstacle>,
}

/// What has to be done before an account can be deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum ErasureObstacle {
    /// A subscription would go on.
    Subscription { plan_name: String },
    /// An operator has suspended the account.
    Suspended,
    /// The person is an operator.
    Operator,
}

/// For people.
impl fmt::Display for ErasureObstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Subscription { plan_name } => {
                write!(f, "Your subscription to {plan_name} would go on. Cancel it first, then come back.")
            }
            Self::Operator => {
                f.write_str("You are an operator. Have another operator end that first, then come back.")
            }
            Self::Suspended => f.write_str(
                "Your account is suspended, so you cannot delete it yourself. Whoever runs this service can.",
            ),
        }
    }
}
