//! Ending the visits whose time is over, so that the audit log says when.

use async_trait::async_trait;

use super::{Handler, JobError, Schedule, Slots};
use crate::store::jobs::Lease;
use crate::store::{Db, visits};

const KIND: &str = "end_visits";

pub struct EndVisits {
    pub db: Db,
}

#[async_trait]
impl Handler for EndVisits {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn schedule(&self) -> Option<Schedule> {
        Some(Schedule::alone(KIND, Slots::EveryMinutes(1)))
    }

    async fn run(&self, _: &Lease) -> Result<(), JobError> {
        visits::end_over(&mut *self.db.get().await?).await?;
        Ok(())
    }
}
