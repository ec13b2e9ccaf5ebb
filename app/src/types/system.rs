//! The product as a whole: what operators can turn off, and what it runs with.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Something that operators turn on for a while; it acts on every server within seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Switch {
    /// Nobody but operators gets in.
    Maintenance,
    /// Nobody can change anything, or ask for a reply.
    ReadOnly,
    /// Who has no account gets none.
    SignUpClosed,
}

impl Switch {
    pub const ALL: [Self; 3] = [Self::Maintenance, Self::ReadOnly, Self::SignUpClosed];

    /// As stored, and as in a form.
    pub fn key(self) -> &'static str {
        match self {
            Self::Maintenance => "maintenance",
            Self::ReadOnly => "read_only",
            Self::SignUpClosed => "sign_up_closed",
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::Maintenance => "Maintenance",
            Self::ReadOnly => "Read-only",
            Self::SignUpClosed => "Sign-up closed",
        }
    }

    /// What it does, in a sentence.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::Maintenance => {
                "Everybody but operators gets a page that says so. Replies in progress are finished and saved, and Stripe’s events still come in."
            }
            Self::ReadOnly => {
                "People can read and export everything, but not change anything or ask for replies. Operators still can, in this panel."
            }
            Self::SignUpClosed => {
                "People who have an account sign in as ever. Others are told that there are no new accounts now."
            }
        }
    }
}

impl fmt::Display for Switch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

impl FromStr for Switch {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let switch = Self::ALL.into_iter().find(|switch| switch.key() == text);
        switch.ok_or_else(|| format!("{text} is no switch"))
    }
}

/// How a switch stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwitchState {
    pub switch: Switch,
    pub is_on: bool,
    /// None: it was never touched.
    pub changed_at: Option<DateTime<Utc>>,
}

/// A setting this server was started with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// The name of its environment variable.
    pub variable: String,
    pub value: SettingValue,
    /// It was not set.
    pub is_default: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SettingValue {
    None,
    /// There is one, which nobody is shown.
    Secret,
    Text(String),
}

/// Something worth knowing about a part of the system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    pub name: String,
    pub value: String,
}

/// A part of the system, with what is known about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemPart {
    pub name: String,
    /// False: it does not answer, or something about it wants attention.
    pub is_well: bool,
    pub facts: Vec<Fact>,
}

/// How the server that was asked sees itself and what it depends on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemReport {
    pub switches: Vec<SwitchState>,
    pub parts: Vec<SystemPart>,
    pub settings: Vec<Setting>,
}

#[cfg(test)]
mod tests {
    use super::Switch;

    #[test]
    fn every_switch_is_read_as_it_is_stored() {
        for switch in Switch::ALL {
            assert_eq!(switch.to_string().parse(), Ok(switch));
            assert_eq!(serde_json::json!(switch), switch.to_string());
        }
    }
}
