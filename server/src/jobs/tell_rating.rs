//! Telling Langfuse what somebody thinks of a reply.

use async_trait::async_trait;

use super::{Handler, JobError};
use crate::services::ratings::RatingService;
use crate::store::jobs::Lease;
use crate::store::ratings::TELLING;

pub struct TellRating {
    pub ratings: RatingService,
}

#[async_trait]
impl Handler for TellRating {
    fn kind(&self) -> &'static str {
        TELLING
    }

    async fn run(&self, lease: &Lease) -> Result<(), JobError> {
        let telling = serde_json::from_value(lease.payload.clone()).map_err(JobError::lasting)?;
        self.ratings.tell(telling).await?.map_err(|error| match error.is_passing {
            true => JobError::passing(error),
            false => JobError::lasting(error),
        })
    }
}
