//! Forgetting what was done long ago, sessions that have run out, and the words of conversations that were deleted.

use async_trait::async_trait;
use chrono::TimeDelta;

use super::{Handler, JobError, Schedule, Slots};
use crate::store::jobs::{self, Lease};
use crate::store::{Db, failed_requests, mail, messages, notices, sessions, stripe_events, threads};

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
        let mut conn = self.db.get().await?;
        jobs::delete_done(&mut conn, KEPT).await?;
        jobs::delete_slots(&mut conn, KEPT).await?;
        stripe_events::delete_processed(&mut conn, EVENTS_KEPT).await?;
        mail::delete_links(&mut conn, MAIL_LINKS_KEPT).await?;
        notices::delete_told(&mut conn, NOTICES_KEPT).await?;
        sessions::delete_expired(&mut conn).await?;
        failed_requests::delete_old(&mut conn, FAILED_REQUESTS_KEPT).await?;
        while threads::erase_deleted(&mut conn, THREADS).await? > 0 {}
        while messages::erase_answers_to_programs(&mut conn, ANSWERS_TO_PROGRAMS_KEPT, ANSWERS).await? > 0 {}
        Ok(())
    }
}
