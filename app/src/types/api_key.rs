//! Keys that programs call the API with.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{ApiKeyId, Nanos, ThreadId};

/// A key, without what is secret of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    pub id: ApiKeyId,
    /// In the words of whoever made it.
    pub name: String,
    /// Its last characters.
    pub hint: String,
    pub created_at: DateTime<Utc>,
    /// To the minute. None: never.
    pub last_used_at: Option<DateTime<Utc>>,
    /// None: it works.
    #[serde(default)]
    pub revoked_at: Option<DateTime<Utc>>,
    /// What its requests were charged, ever.
    #[serde(default)]
    pub used: Nanos,
    /// What they may be charged at most, ever. None: whatever the account has.
    #[serde(default)]
    pub cap: Option<Nanos>,
}

impl ApiKey {
    /// What each key begins with.
    pub const PREFIX: &'static str = "plb_";

    /// The thread that its requests hang in, which its cap is about.
    pub fn thread_id(&self) -> ThreadId {
        ThreadId(self.id.0)
    }

    /// A key as it may be shown, told apart by its last characters.
    pub fn masked(hint: &str) -> String {
        format!("{}…{hint}", Self::PREFIX)
    }
}

/// The keys of an account, and what to call with them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKeyList {
    /// Those that work, the newest first.
    pub keys: Vec<ApiKey>,
    /// Where the API is.
    pub base_url: String,
    /// The model that answers when none is chosen, for an example. None: the account has none.
    pub model: Option<String>,
}

/// A key that was just made: the only time that all of it is told. Without `Debug`, so that no log can have it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedApiKey {
    pub name: String,
    pub secret: String,
}

/// What somebody calls a key: one line, not blank, at most [`ApiKeyName::MAX_CHARS`] characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeyName(String);

impl ApiKeyName {
    pub const MAX_CHARS: usize = 80;

    /// # Errors
    /// Says in words what is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let line = text.replace('\0', " ").split_whitespace().collect::<Vec<_>>().join(" ");
        if line.is_empty() {
            return Err("Give the key a name, such as the program that will use it.");
        }
        if line.chars().count() > Self::MAX_CHARS {
            return Err("The name of a key has at most 80 characters.");
        }
        Ok(Self(line))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn into_string(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::{ApiKey, ApiKeyName};

    #[test]
    fn a_name_is_one_line_that_is_neither_blank_nor_endless() {
        let parse = |text: &str| ApiKeyName::parse(text).map(ApiKeyName::into_string);
        assert_eq!(parse(" My \n laptop ").as_deref(), Ok("My laptop"));
        assert_eq!(parse(&"ü".repeat(80)), Ok("ü".repeat(80)));
        for wrong in ["", " \t\n", "\0", &"ü".repeat(81)] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_key_is_shown_by_its_ends() {
        assert_eq!(ApiKey::masked("x_9Z"), "plb_…x_9Z");
    }
}
