//! People, their signed-in browsers, and who is asking.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::SessionId;
#[cfg(feature = "ssr")]
use super::{AccountId, UserId};

/// The signed-in person, as they see themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    pub display_name: String,
    pub email: Option<String>,
    pub has_verified_email: bool,
    /// Names of the identity providers connected to this person.
    pub providers: Vec<String>,
}

/// A browser somebody is signed in with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    pub id: SessionId,
    /// In words, such as "Firefox on Linux".
    pub device: String,
    pub created_at: DateTime<Utc>,
    pub last_seen_at: DateTime<Utc>,
    pub is_current: bool,
}

/// An identity provider that is configured here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInMethod {
    /// In the URL: `/auth/{key}/start`.
    pub key: String,
    /// On the button: "Continue with {name}".
    pub name: String,
}

/// Who is asking. Put into each request by the session middleware.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, Default)]
pub struct Actor {
    /// Leads from an error somebody reports to its log lines.
    pub request_id: String,
    /// None: nobody is signed in.
    pub signed_in: Option<SignedIn>,
}

/// A person whose session has been checked.
#[cfg(feature = "ssr")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedIn {
    pub user_id: UserId,
    pub account_id: AccountId,
    pub session_id: SessionId,
}

#[cfg(feature = "ssr")]
impl Actor {
    /// The signed-in person, or the error that sends a visitor to the sign-in page.
    pub fn user(&self) -> crate::ApiResult<SignedIn> {
        self.signed_in.ok_or(crate::ApiError::SignInRequired)
    }
}
