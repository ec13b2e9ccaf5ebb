//! Identifiers, one type a kind, so that one can never stand in for another.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )*};
}

id! {
    /// Owns money, limits and, later, the Stripe customer. One or more users belong to it.
    AccountId,
    /// A person who signs in.
    UserId,
    /// One signed-in browser.
    SessionId,
    /// What a program calls the API with.
    ApiKeyId,
    /// A conversation.
    ThreadId,
    /// One turn in a conversation.
    MessageId,
    /// One attempt of the model to answer, with its own life cycle, hold and charge.
    GenerationId,
    /// One entry of the ledger.
    EntryId,
    /// One event of the audit log.
    AuditId,
    /// Work to be done later.
    JobId,
    /// Something that somebody is told about their account.
    NoticeId,
    /// One showing of a form, so that sending it twice does once what it says.
    FormId,
    /// Made by whoever asks, so that asking twice answers (and bills) once.
    ClientRequestId,
}

#[cfg(feature = "hydrate")]
impl ClientRequestId {
    /// A new random id from the browser's own generator.
    pub fn random() -> Option<Self> {
        let crypto = web_sys::window()?.crypto().ok()?;
        crypto.random_uuid().parse().ok()
    }
}
