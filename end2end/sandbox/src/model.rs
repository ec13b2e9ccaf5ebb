//! A language model: what it says, how fast, which faults tests ask for, and what it was asked.
//!
//! Nothing here knows a wire format. A module per vendor (`openai`) reads requests and writes frames.

mod answers;
pub(crate) mod journal;
pub(crate) mod openai;
mod playback;
mod reply;
pub(crate) mod script;
mod tokens;

use crate::model::journal::Journal;
use crate::model::script::Scripts;

/// The state that all vendors' endpoints and the control endpoints share.
#[derive(Default)]
pub(crate) struct Model {
    pub(crate) scripts: Scripts,
    pub(crate) journal: Journal,
}
