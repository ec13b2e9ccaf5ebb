//! Forgetting what was done long ago, sessions that have run out, and the words of conversations that were deleted.

use async_trait::async_trait;
use chrono::TimeDelta;

use super::{Handler, JobError, Schedule, Slots};
use crate::store::jobs::{self, Lease};
use crate::store::{
    Db, StoreResult, failed_requests, mail, messages, notices, sessions, stripe_events, threads,
};

const KIND: &str = "purge_jobs";

/// How long it can be looked up that a job was done or due.
const KEPT: TimeDelta = TimeDelta::days(7);

/// How long it can be looked up what Stripe has told us.
const EVENTS_KEPT: TimeDelta = TimeDelta::days(90);

/// How long a request that failed is found by its number.
const FAILED_REQUESTS_KEPT: TimeDelta = TimeDelta::days(30);

/// How long a program that sends a request again gets the answer it had.
const ANSWERS_TO_PROGRAMS_KEPT: TimeDelta = TimeDelta::days(1);

/// How long the links in a mail work.
const MAIL_LINKS_KEPT: TimeDelta = TimeDelta::days(365);

/// How long it is known that something was told: a card that has expired, or a payment that is due, for longer than that
/// is told again.
const NOTICES_KEPT: TimeDelta = TimeDelta::days(365);

/// So many threads are erased at a time, each with all its messages.
const THREADS: i64 = 50;

/// The same of answers to programs.
const ANSWERS: i64 = 1000;

pub struct Purge {
    pub db: Db,
}

#[async_trait]
impl Handler for Purge {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn schedule(&self) -> Option<Schedule> {
        Some(Schedule::alone(KIND, Slots::DailyAt(4)))
    }

    async fn run(&self, _: &Lease) -> Result<(), JobError> {
        // People's words first. A step that fails keeps none of the others from being done.
        let done = [
            self.erase_threads().await,
            self.erase_answers().await,
            self.delete_sessions().await,
            self.delete_jobs().await,
            self.delete_slots().await,
            self.delete_stripe_events().await,
            self.delete_mail_links().await,
            self.delete_notices().await,
            self.delete_failed_requests().await,
        ];
        for error in done.iter().filter_map(|step| step.as_ref().err()) {
            tracing::warn!(%error, "A part of what is old could not be deleted; it is tried again");
        }
        Ok(done.into_iter().collect::<StoreResult<()>>()?)
    }
}

/// Each on a connection of its own: what failed may have broken the last one.
impl Purge {
    async fn erase_threads(&self) -> StoreResult<()> {
        let mut conn = self.db.get().await?;
        while threads::erase_deleted(&mut conn, THREADS).await? > 0 {}
        Ok(())
    }

    async fn erase_answers(&self) -> StoreResult<()> {
        let mut conn = self.db.get().await?;
        while messages::erase_answers_to_programs(&mut conn, ANSWERS_TO_PROGRAMS_KEPT, ANSWERS).await? > 0 {}
        Ok(())
    }

    async fn delete_sessions(&self) -> StoreResult<()> {
        sessions::delete_expired(&mut *self.db.get().await?).await
    }

    async fn delete_jobs(&self) -> StoreResult<()> {
        jobs::delete_done(&mut *self.db.get().await?, KEPT).await.map(drop)
    }

    async fn delete_slots(&self) -> StoreResult<()> {
        jobs::delete_slots(&mut *self.db.get().await?, KEPT).await.map(drop)
    }

    async fn delete_stripe_events(&self) -> StoreResult<()> {
        stripe_events::delete_processed(&mut *self.db.get().await?, EVENTS_KEPT).await.map(drop)
    }

    async fn delete_mail_links(&self) -> StoreResult<()> {
        mail::delete_links(&mut *self.db.get().await?, MAIL_LINKS_KEPT).await.map(drop)
    }

    async fn delete_notices(&self) -> StoreResult<()> {
        notices::delete_told(&mut *self.db.get().await?, NOTICES_KEPT).await.map(drop)
    }

    async fn delete_failed_requests(&self) -> StoreResult<()> {
        failed_requests::delete_old(&mut *self.db.get().await?, FAILED_REQUESTS_KEPT).await
    }
}
