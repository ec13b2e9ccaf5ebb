//! Telling somebody a notice.

use async_trait::async_trait;

use super::{Handler, JobError};
use crate::services::notices::NoticeService;
use crate::store::jobs::Lease;
use crate::store::notices::{DELIVERY, Delivery};

pub struct DeliverNotice {
    pub notices: NoticeService,
}

#[async_trait]
impl Handler for DeliverNotice {
    fn kind(&self) -> &'static str {
        DELIVERY
    }

    async fn run(&self, lease: &Lease) -> Result<(), JobError> {
        let Delivery { notice_id } =
            serde_json::from_value(lease.payload.clone()).map_err(JobError::lasting)?;
        let is_last_try = lease.attempt >= lease.max_attempts;
        self.notices.deliver(notice_id, is_last_try).await?.map_err(JobError::passing)
    }
}
