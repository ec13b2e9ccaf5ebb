//! People, their signed-in browsers, and who is asking.

#[cfg(feature = "ssr")]
use std::net::IpAddr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use super::{AccountId, ApiKeyId};
use super::{SessionId, UserId};
#[cfg(feature = "ssr")]
use crate::{ApiError, ApiResult};

/// The signed-in person, as they see themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    pub display_name: String,
    pub email: Option<String>,
    pub has_verified_email: bool,
    /// Names of the identity providers connected to this person.
    pub providers: Vec<String>,
    /// May open the admin panel.
    #[serde(default)]
    pub is_operator: bool,
    /// Set: it is not the person who looks, but an operator.
    #[serde(default)]
    pub viewing: Option<Viewing>,
    /// Set: the account will be erased then.
    #[serde(default)]
    pub erase_at: Option<DateTime<Utc>>,
}

/// An operator looks at the product as somebody else sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Viewing {
    /// As whom.
    pub person: UserId,
    pub until: DateTime<Utc>,
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

/// Why a sign-in ended without a session, in the address of the page where it can be begun again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInError {
    /// The person did not want to.
    Refused,
    /// The identity provider is away.
    Unavailable,
    /// There are no new accounts at the moment.
    Closed,
}

impl SignInError {
    const ALL: [Self; 3] = [Self::Refused, Self::Unavailable, Self::Closed];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Unavailable => "unavailable",
            Self::Closed => "closed",
        }
    }

    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|error| error.as_str() == code)
    }
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
    /// Where the request came from, as far as proxies are trusted.
    pub address: Option<IpAddr>,
    /// None: nobody is signed in.
    pub signed_in: Option<SignedIn>,
    /// Operators let nobody change anything for a while.
    pub is_read_only: bool,
}

/// A person whose session has been checked.
#[cfg(feature = "ssr")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedIn {
    pub user_id: UserId,
    pub account_id: AccountId,
    pub session_id: SessionId,
    /// May open the admin panel. Never while looking at the product as somebody else.
    pub is_operator: bool,
    /// Set: everything above is of the person an operator looks at, and the operator is this one.
    pub impersonator: Option<Impersonator>,
}

/// A program that calls the API with a key that is good.
#[cfg(feature = "ssr")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    pub api_key_id: ApiKeyId,
    pub account_id: AccountId,
    /// Who made the key.
    pub user_id: UserId,
}

/// An operator who looks at the product as somebody else sees it.
#[cfg(feature = "ssr")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Impersonator {
    pub user_id: UserId,
    pub viewing: Viewing,
}

#[cfg(feature = "ssr")]
impl SignedIn {
    /// Whose session it is: the operator's, while looking at the product as somebody else.
    pub fn session_owner(&self) -> UserId {
        self.impersonator.map_or(self.user_id, |operator| operator.user_id)
    }
}

#[cfg(feature = "ssr")]
impl Actor {
    /// The signed-in person, who may do everything with what is theirs.
    ///
    /// # Errors
    /// For a visitor the one that leads to the sign-in page; for an operator who only looks, and for everybody while
    /// operators have turned changes off, that nothing can be changed.
    pub fn user(&self) -> ApiResult<SignedIn> {
        let user = self.owner()?;
        if self.is_read_only { Err(ApiError::ChangesPaused) } else { Ok(user) }
    }

    /// The signed-in person, for what must work even while changes are turned off: ending sessions and replies.
    ///
    /// # Errors
    /// For a visitor the one that leads to the sign-in page; for an operator who only looks, that nothing can be changed.
    pub fn owner(&self) -> ApiResult<SignedIn> {
        let user = self.reader()?;
        if user.impersonator.is_some() { Err(ApiError::ReadOnly) } else { Ok(user) }
    }

    /// The signed-in person, or the operator who looks at the product as that person: for what only reads. What people
    /// write is hidden from operators when the answer is sent ([`crate::api::Content`]).
    ///
    /// # Errors
    /// For a visitor the one that leads to the sign-in page.
    pub fn reader(&self) -> ApiResult<SignedIn> {
        self.signed_in.ok_or(ApiError::SignInRequired)
    }

    pub fn impersonator(&self) -> Option<Impersonator> {
        self.signed_in?.impersonator
    }

    /// The proof that an operator is asking.
    ///
    /// # Errors
    /// Anybody else who is signed in is told that there is nothing here.
    pub fn operator(&self) -> ApiResult<Operator> {
        let user = self.reader()?;
        if user.is_operator && user.impersonator.is_none() {
            Ok(Operator { actor: self.clone(), user })
        } else {
            Err(ApiError::NotFound)
        }
    }
}

/// An operator who is asking. Whatever only operators may do takes one, and [`Actor::operator`] is the only way to get
/// one, so no function of the admin panel can forget to check.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug)]
pub struct Operator {
    actor: Actor,
    user: SignedIn,
}

#[cfg(feature = "ssr")]
impl Operator {
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    pub fn user_id(&self) -> UserId {
        self.user.user_id
    }

    pub fn session_id(&self) -> SessionId {
        self.user.session_id
    }
}
