//! Work done later, as operators see it.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::JobId;

/// How far a job has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Waits for its time, or for a worker.
    Ready,
    /// The same after a try that failed.
    Failed,
    Running,
    Done,
    /// Given up. Somebody has to look at it.
    #[default]
    Dead,
}

impl JobState {
    pub const ALL: [Self; 5] = [Self::Dead, Self::Failed, Self::Running, Self::Ready, Self::Done];

    fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Failed => "failed",
            Self::Running => "running",
            Self::Done => "done",
            Self::Dead => "dead",
        }
    }

    /// For people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Ready => "Waiting",
            Self::Failed => "Failed, waiting",
            Self::Running => "Running",
            Self::Done => "Done",
            Self::Dead => "Dead",
        }
    }

    /// Somebody can have it tried at once, or discard it.
    pub fn has_failed(self) -> bool {
        matches!(self, Self::Failed | Self::Dead)
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// As in an address.
impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which jobs are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobsQuery {
    #[serde(default)]
    pub state: JobState,
    pub kind: Option<String>,
    /// Those that were enqueued before this one.
    pub after: Option<JobId>,
}

impl JobsQuery {
    /// As in an address: what is empty is not asked for, and what makes no sense neither.
    pub fn from_address(value: impl Fn(&str) -> Option<String>) -> Self {
        let value = |name| value(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        Self {
            state: value("state").and_then(|text| JobState::parse(&text)).unwrap_or_default(),
            kind: value("kind"),
            after: value("after").and_then(|id| id.parse().ok()),
        }
    }
}

/// How the queue stands, and some jobs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobsPage {
    /// Of each kind that has jobs, or is due at set times.
    pub queues: Vec<Queue>,
    pub schedules: Vec<ScheduledWork>,
    /// Newest first.
    pub jobs: Vec<Job>,
    /// Older ones come after this one; none: these are the oldest.
    pub next: Option<JobId>,
}

/// The jobs of a kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queue {
    pub kind: String,
    pub ready: u32,
    /// They wait as well, after a try that failed.
    #[serde(default)]
    pub failed: u32,
    pub running: u32,
    pub dead: u32,
    /// Since when the one that is due longest has been due.
    pub due_since: Option<DateTime<Utc>>,
}

/// Work that is due again and again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduledWork {
    pub name: String,
    /// In words, such as "every 5 minutes".
    pub when: String,
    /// The last time it was enqueued for.
    pub last_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    pub id: JobId,
    pub kind: String,
    /// What it is to work on, as JSON.
    pub payload: String,
    pub state: JobState,
    pub attempt: u32,
    pub max_attempts: u32,
    pub run_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
    pub last_error: Option<String>,
}
