//! A language model: what it says, how fast, which faults are asked for, and what it was asked.
//!
//! Nothing here knows a wire format. A module per vendor (`openai`, `anthropic`) reads requests and writes frames;
//! `answering` does the rest for all of them.

mod answering;
mod answers;
pub(crate) mod anthropic;
pub(crate) mod dice;
pub(crate) mod fault;
pub(crate) mod journal;
pub(crate) mod openai;
mod playback;
mod reply;
pub(crate) mod script;
pub(crate) mod scripts;
mod sse;
mod tokens;
pub(crate) mod upstream;

use serde::Serialize;

use crate::model::dice::Dice;
use crate::model::journal::Journal;
use crate::model::scripts::Scripts;

/// The state that all vendors' endpoints and the control endpoints share.
#[derive(Default)]
pub(crate) struct Model {
    pub(crate) scripts: Scripts,
    pub(crate) dice: Dice,
    pub(crate) journal: Journal,
}

/// Whose wire format a request came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Api {
    Openai,
    Anthropic,
}

impl Api {
    /// The status with which the vendor says that it has too much to do.
    pub(crate) fn overloaded_status(self) -> u16 {
        match self {
            Self::Openai => 503,
            Self::Anthropic => 529,
        }
    }
}
