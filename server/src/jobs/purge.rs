//! Forgetting jobs that were done long ago.

use async_trait::async_trait;
use chrono::TimeDelta;

use super::{Handler, JobError, Schedule, Slots};
use crate::store::Db;
use crate::store::jobs::{self, Lease};

const KIND: &str = "purge_jobs";

/// How long it can be looked up that a job was done.
const KEPT: TimeDelta = TimeDelta::days(7);

pub struct PurgeJobs {
    pub db: Db,
}

impl PurgeJobs {
    pub fn schedule() -> Schedule {
        Schedule::alone(KIND, Slots::DailyAt(4))
    }
}

#[async_trait]
impl Handler for PurgeJobs {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn run(&self, _: &Lease) -> Result<(), JobError> {
        jobs::delete_done(&mut *self.db.get().await?, KEPT).await?;
        Ok(())
    }
}
