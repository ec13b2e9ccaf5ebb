//! What operators look at: people, money and replies, added up by day in UTC.

use std::ops::AddAssign;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::{Month, Nanos, Period, PersonLabel};

/// Replies together, also those that came to nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    pub replies: u64,
    /// Of these, what failed or broke off.
    pub failed: u64,
    /// All that was read, cached input included.
    pub input_tokens: u64,
    pub cached_input_tokens: u64,
    pub output_tokens: u64,
    /// What people were charged.
    pub charged: Nanos,
    /// What providers charge us.
    pub cost: Nanos,
}

impl Volume {
    pub fn tokens(&self) -> u64 {
        self.input_tokens + self.output_tokens
    }

    /// What of the charges is not cost.
    pub fn margin(&self) -> Nanos {
        self.charged - self.cost
    }

    pub fn is_empty(&self) -> bool {
        self.replies == 0
    }
}

impl AddAssign for Volume {
    fn add_assign(&mut self, other: Self) {
        self.replies += other.replies;
        self.failed += other.failed;
        self.input_tokens += other.input_tokens;
        self.cached_input_tokens += other.cached_input_tokens;
        self.output_tokens += other.output_tokens;
        self.charged += other.charged;
        self.cost += other.cost;
    }
}

impl std::iter::Sum for Volume {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::default(), |mut sum, part| {
            sum += part;
            sum
        })
    }
}

/// What people thought of replies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ratings {
    pub good: u64,
    pub bad: u64,
}

impl Ratings {
    pub fn count(&self) -> u64 {
        self.good + self.bad
    }
}

impl std::iter::Sum for Ratings {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::default(), |sum, part| Self { good: sum.good + part.good, bad: sum.bad + part.bad })
    }
}

/// How a day went, or several together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// Who asked for a reply.
    pub active_people: u64,
    pub new_people: u64,
    /// At the end. None, as with the three below: nobody looked yet.
    pub paying: Option<u64>,
    /// Of these, whose payment failed.
    pub past_due: Option<u64>,
    /// What subscriptions bring in a month, at the end.
    pub recurring: Option<Nanos>,
    /// Who paid before and does not any more.
    pub churned: Option<u64>,
    pub volume: Volume,
    /// By the day on which they were given.
    #[serde(default)]
    pub ratings: Ratings,
    /// How often providers were asked.
    pub attempts: u64,
    /// How often that came to nothing.
    pub failed_attempts: u64,
    /// Within how many milliseconds half of the replies began. None: none did.
    pub first_token_ms_p50: Option<u32>,
    pub first_token_ms_p95: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayFigures {
    pub day: NaiveDate,
    pub figures: Figures,
}

/// Today and the 29 days before, and how the 30 days before these went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overview {
    /// When it was added up last. None: never.
    pub computed_at: Option<DateTime<Utc>>,
    /// Oldest first; the last one is today, so far.
    pub days: Vec<DayFigures>,
    pub total: Figures,
    pub before: Figures,
}

/// What was used in a period, split up in every way. Each of them adds up to the total.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeReport {
    pub period: Period,
    pub computed_at: Option<DateTime<Utc>>,
    pub total: Volume,
    pub before: Volume,
    /// Every day of the period, oldest first.
    pub days: Vec<DayVolume>,
    /// Dearest first, as those below.
    pub models: Vec<NamedVolume>,
    #[serde(default)]
    pub providers: Vec<NamedVolume>,
    pub routes: Vec<NamedVolume>,
    pub plans: Vec<NamedVolume>,
    /// By how the replies ended.
    pub outcomes: Vec<NamedVolume>,
    /// The dearest ones, dearest first.
    pub people: Vec<PersonVolume>,
    /// Newest first.
    pub explosions: Vec<CostExplosion>,
    /// The months that can be asked for, newest first.
    pub months: Vec<Month>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayVolume {
    pub day: NaiveDate,
    pub volume: Volume,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedVolume {
    pub name: String,
    /// More about it, such as the provider of a route.
    pub note: Option<String>,
    pub volume: Volume,
    /// None: they are not counted by this.
    #[serde(default)]
    pub ratings: Option<Ratings>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonVolume {
    pub person: PersonLabel,
    pub plan_name: String,
    pub volume: Volume,
}

/// A day on which somebody cost us far more than they used to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CostExplosion {
    pub day: NaiveDate,
    pub person: PersonLabel,
    pub charged: Nanos,
    pub cost: Nanos,
    /// The median of the 14 days before.
    pub usual: Nanos,
}
