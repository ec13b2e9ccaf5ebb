//! What was spent on what.

use std::ops::{AddAssign, Sub};

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::{GenerationId, Month, Nanos, Period, ThreadId};

/// What an account used in a period: by day, by model and by conversation. Only replies that used something count, so
/// each of the three adds up to the total.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageSummary {
    pub period: Period,
    pub total: Usage,
    /// Of the same kind of period before this one.
    pub before: Usage,
    /// Every day of the period, oldest first.
    pub days: Vec<DayUsage>,
    /// Dearest first.
    pub models: Vec<ModelUsage>,
    /// The dearest ones, dearest first.
    pub threads: Vec<ThreadUsage>,
    /// All other conversations together.
    pub other_threads: Usage,
    /// The months that can be asked for, newest first.
    pub months: Vec<Month>,
}

/// Some replies together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    pub replies: u64,
    /// All that was read, cached input included.
    pub input_tokens: u64,
    /// Of these, what the provider had read before.
    pub cached_input_tokens: u64,
    /// All that was written, reasoning included.
    pub output_tokens: u64,
    pub charged: Nanos,
}

impl Usage {
    pub fn is_empty(&self) -> bool {
        self.replies == 0
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.replies += other.replies;
        self.input_tokens += other.input_tokens;
        self.cached_input_tokens += other.cached_input_tokens;
        self.output_tokens += other.output_tokens;
        self.charged += other.charged;
    }
}

impl Sub for Usage {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            replies: self.replies - other.replies,
            input_tokens: self.input_tokens - other.input_tokens,
            cached_input_tokens: self.cached_input_tokens - other.cached_input_tokens,
            output_tokens: self.output_tokens - other.output_tokens,
            charged: self.charged - other.charged,
        }
    }
}

impl std::iter::Sum for Usage {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::default(), |mut sum, part| {
            sum += part;
            sum
        })
    }
}

/// A day, in UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayUsage {
    pub day: NaiveDate,
    pub usage: Usage,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelUsage {
    pub name: String,
    pub usage: Usage,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadUsage {
    pub thread: ThreadLabel,
    pub usage: Usage,
}

/// A conversation as reports name it, also after it was deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadLabel {
    pub id: ThreadId,
    pub title: String,
    /// It cannot be opened any more.
    pub is_deleted: bool,
    /// It is no conversation but all that was asked with an API key, which cannot be opened either.
    #[serde(default)]
    pub is_program: bool,
}

/// One reply that used something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyUsage {
    pub generation_id: GenerationId,
    pub thread: ThreadLabel,
    /// Its name.
    pub model: String,
    pub input_tokens: u32,
    pub output_tokens: u32,
    /// The provider did not report all that was used, so we counted what it left out.
    pub is_estimated: bool,
    pub charged: Nanos,
    pub created_at: DateTime<Utc>,
}
