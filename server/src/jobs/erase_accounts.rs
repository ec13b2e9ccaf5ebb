//! Erasing the accounts whose people wanted that, once their time has come.

use async_trait::async_trait;

use super::{Handler, JobError, Schedule, Slots};
use crate::services::erasure::ErasureService;
use crate::store::jobs::{Lease, NewJob};

const KIND: &str = "erase_accounts";

/// With the pauses between them, some hours: Stripe may be away.
const MAX_ATTEMPTS: i32 = 15;

pub struct EraseAccounts {
    pub(crate) erasure: ErasureService,
}

#[async_trait]
impl Handler for EraseAccounts {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn schedule(&self) -> Option<Schedule> {
        let job = NewJob { max_attempts: MAX_ATTEMPTS, ..NewJob::alone(KIND) };
        Some(Schedule { name: KIND, slots: Slots::DailyAt(5), job })
    }

    async fn run(&self, _: &Lease) -> Result<(), JobError> {
        self.erasure.erase_due().await?;
        Ok(())
    }
}
