//! People as operators find them.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Nanos, Standing, UserId};

/// Which people are wanted, in which order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeopleQuery {
    /// The beginning of a name or an e-mail address, or a whole id: a person's, an account's, a reply's (also
    /// as programs see it) or a customer's at Stripe.
    pub search: Option<String>,
    /// A plan's key.
    pub plan: Option<String>,
    pub standing: Option<StandingName>,
    #[serde(default)]
    pub is_suspended: bool,
    #[serde(default)]
    pub sort: PeopleSort,
    /// Those that come after this place.
    pub after: Option<PeoplePlace>,
}

impl PeopleQuery {
    /// As in an address: what is empty is not asked for, and what makes no sense neither.
    pub fn from_address(value: impl Fn(&str) -> Option<String>) -> Self {
        let value = |name| value(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let standing = value("standing");
        let sort = value("sort");
        Self {
            search: value("search"),
            plan: value("plan"),
            standing: StandingName::ALL.into_iter().find(|name| Some(name.key()) == standing.as_deref()),
            is_suspended: value("suspended").is_some(),
            sort: PeopleSort::ALL
                .into_iter()
                .find(|by| Some(by.key()) == sort.as_deref())
                .unwrap_or_default(),
            after: value("after").and_then(|place| place.parse().ok()),
        }
    }
}

/// A standing without its dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StandingName {
    Free,
    Active,
    PastDue,
    Frozen,
}

impl StandingName {
    pub const ALL: [Self; 4] = [Self::Free, Self::Active, Self::PastDue, Self::Frozen];

    /// In an address.
    pub fn key(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Active => "active",
            Self::PastDue => "past_due",
            Self::Frozen => "frozen",
        }
    }

    /// For people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Free => "Pays nothing",
            Self::Active => "Paid",
            Self::PastDue => "Past due",
            Self::Frozen => "Frozen",
        }
    }

    /// None: it says nothing of paying.
    pub fn of(standing: Standing) -> Option<Self> {
        match standing {
            Standing::Free => Some(Self::Free),
            Standing::Active => Some(Self::Active),
            Standing::PastDue { .. } => Some(Self::PastDue),
            Standing::Frozen { .. } => Some(Self::Frozen),
            Standing::Suspended => None,
        }
    }
}

/// The most of it first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PeopleSort {
    #[default]
    Newest,
    LastSeen,
    /// Lists only those who spent something this month, in UTC.
    Spent,
}

impl PeopleSort {
    pub const ALL: [Self; 3] = [Self::Newest, Self::LastSeen, Self::Spent];

    /// In an address.
    pub fn key(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::LastSeen => "last_seen",
            Self::Spent => "spent",
        }
    }

    /// For people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Newest => "Newest first",
            Self::LastSeen => "Last seen",
            Self::Spent => "Spent this month",
        }
    }
}

/// Where a page of the list begins: after what the order goes by, and an id where that is equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PeoplePlace {
    /// Nano-dollars or microseconds; 0 where the id says it all.
    pub value: i64,
    pub id: Uuid,
}

impl fmt::Display for PeoplePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.value, self.id)
    }
}

impl FromStr for PeoplePlace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts =
            text.split_once('_').and_then(|(value, id)| Some((value.parse().ok()?, id.parse().ok()?)));
        parts.map(|(value, id)| Self { value, id }).ok_or_else(|| format!("{text} is no place in the list"))
    }
}

impl TryFrom<String> for PeoplePlace {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<PeoplePlace> for String {
    fn from(place: PeoplePlace) -> Self {
        place.to_string()
    }
}

/// Some people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeoplePage {
    pub people: Vec<PersonSummary>,
    /// Where the next page begins; none: these are the last.
    pub next: Option<PeoplePlace>,
    /// The plans there are to choose from: key and name.
    pub plans: Vec<(String, String)>,
}

/// A person in the list, with their account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonSummary {
    pub id: UserId,
    pub display_name: String,
    pub email: Option<String>,
    pub is_operator: bool,
    pub is_suspended: bool,
    pub plan_name: String,
    pub standing: Standing,
    pub balance: Nanos,
    /// In this calendar month, in UTC.
    pub spent_this_month: Nanos,
    pub last_seen_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
    /// The person wants the account erased then.
    #[serde(default)]
    pub erase_at: Option<DateTime<Utc>>,
    /// All that was personal is gone since then.
    #[serde(default)]
    pub erased_at: Option<DateTime<Utc>>,
}
