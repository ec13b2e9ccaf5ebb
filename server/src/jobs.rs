//! Work done later, at least once. A job is enqueued in the transaction that causes it ([`crate::store::jobs`]) and given
//! to the handler of its kind by a [`Worker`], again after a failure, and again when its worker has died.

mod add_up_days;
mod audit_money;
mod check_four_ways;
mod deliver_notice;
mod end_visits;
mod erase_accounts;
mod export_meter;
mod purge;
mod reconcile_billing;
mod schedule;
mod sync_customer;
mod tell_rating;
mod worker;

use std::time::Duration;

use async_trait::async_trait;

pub use self::add_up_days::AddUpDays;
pub use self::audit_money::AuditMoney;
pub use self::check_four_ways::CheckFourWays;
pub use self::deliver_notice::DeliverNotice;
pub use self::end_visits::EndVisits;
pub use self::erase_accounts::EraseAccounts;
pub use self::export_meter::ExportMeter;
pub use self::purge::Purge;
pub use self::reconcile_billing::ReconcileBilling;
pub use self::schedule::{Schedule, Slots};
pub use self::sync_customer::SyncCustomer;
pub use self::tell_rating::TellRating;
pub use self::worker::{Worker, WorkerParts};
use crate::AppError;
use crate::store::StoreError;
use crate::store::jobs::Lease;

/// Does the work of one kind of job.
#[async_trait]
pub trait Handler: Send + Sync {
    /// The jobs it does.
    fn kind(&self) -> &'static str;

    /// When one is to be done without anybody asking for it. None: never.
    fn schedule(&self) -> Option<Schedule> {
        None
    }

    /// It goes before all others that are due: only what is short, and of which there are few, so that it keeps none of them
    /// from being done.
    fn is_urgent(&self) -> bool {
        false
    }

    /// Dropped when the lease is lost. Where the effect must not happen twice, it is written together with
    /// [`complete`](crate::store::jobs::complete), in one transaction.
    async fn run(&self, lease: &Lease) -> Result<(), JobError>;
}

/// Why a job is not done.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct JobError {
    /// For operators: no secrets, no personal data.
    pub message: String,
    /// Trying again cannot help.
    pub is_final: bool,
}

impl JobError {
    pub fn passing(error: impl ToString) -> Self {
        Self { message: error.to_string(), is_final: false }
    }

    pub fn lasting(error: impl ToString) -> Self {
        Self { message: error.to_string(), is_final: true }
    }
}

impl From<StoreError> for JobError {
    fn from(error: StoreError) -> Self {
        Self::passing(error)
    }
}

impl From<AppError> for JobError {
    fn from(error: AppError) -> Self {
        Self::passing(error)
    }
}

/// How long to wait after failure number `attempt`, counted from one: 5 seconds, doubled each time, at most an hour, less
/// a random part of up to half, so that jobs that failed together do not come back together.
fn pause(attempt: i32, random: f64) -> Duration {
    let doublings = u32::try_from(attempt - 1).unwrap_or(0).min(16);
    let longest = Duration::from_secs(5).saturating_mul(1 << doublings).min(Duration::from_secs(3600));
    longest.mul_f64(1.0 - random / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_an_hour() {
        let longest: Vec<u64> = [1, 2, 3, 10, 11, 1000].map(|attempt| pause(attempt, 0.0).as_secs()).into();
        assert_eq!(longest, [5, 10, 20, 2560, 3600, 3600]);
        assert_eq!(pause(2, 1.0), Duration::from_secs(5));
    }
}
