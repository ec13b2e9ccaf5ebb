//! Erasing the accounts whose people wanted that, once their time has come.

use async_trait::async_trait;

use super::{Handler, JobError, Schedule, Slots};
use crate::services::erasure::ErasureService;
use crate::store::jobs::Lease;

const KIND: &str = "erase_accounts";

pub struct EraseAccounts {
    pub(crate) erasure: ErasureService,
}

#[async_trait]
impl Handler for EraseAccounts {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn schedule(&self) -> Option<Schedule> {
        Some(Schedule::alone(KIND, Slots::DailyAt(5)))
    }

    async fn run(&self, _: &Lease) -> Result<(), JobError> {
        self.erasure.erase_due().await?;
        Ok(())
    }
}
