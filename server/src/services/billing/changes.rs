//! What people want changed of their subscription: one change at a time for each account, whatever is clicked twice.

use std::time::Duration;

use app::ApiError;
use app::api::NextUrl;
use app::links::BILLING_PATH;
use app::types::{AccountId, Interval, Nanos};
use chrono::{DateTime, Utc};
use tokio::time::{Instant, sleep};

use super::Cashier;
use crate::providers::stripe::{StripeError, Subscription, SubscriptionStatus};
use crate::store::accounts;
use crate::{AppError, AppResult};

/// Longer than a change takes, however slow Stripe is. Whoever dies in the middle keeps others out for so long.
const LEASE: Duration = Duration::from_secs(120);

/// Whoever has waited so long for another change is told to come back.
const PATIENCE: Duration = Duration::from_secs(20);

const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// What somebody wants to be different.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Plan {
        key: String,
        interval: Interval,
    },
    /// It ends with its period.
    Cancel,
    /// It goes on as it is: nothing is planned any more.
    Resume,
    /// Replies may cost up to so much a billing period beyond credit.
    OverageCap(Nanos),
}

impl Cashier {
    /// Makes a change. Whoever asks for the same one twice is led to what the first has come to.
    ///
    /// # Errors
    /// Refused: it cannot be had, or not now. Unavailable: Stripe is away, or another change takes too long.
    pub async fn change(&self, account_id: AccountId, change: &Change) -> AppResult<NextUrl> {
        let lease = self.begin_change(account_id).await?;
        let mut made = self.make(account_id, change).await;
        if let Err(AppError::Stripe(StripeError::Refused(_))) = made {
            // Stripe has changed it since it was read: its clock, or somebody in its dashboard.
            made = self.make(account_id, change).await;
        }
        let ended = async { accounts::end_change(&mut *self.db.get().await?, account_id, lease).await };
        if let Err(error) = ended.await {
            tracing::warn!(account.id = %account_id, %error, "A change is made, but its lease has to run out");
        }
        made
    }

    async fn begin_change(&self, account_id: AccountId) -> AppResult<DateTime<Utc>> {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            let lease = accounts::lease_change(&mut *self.db.get().await?, account_id, LEASE).await?;
            if let Some(lease) = lease {
                return Ok(lease);
            }
            sleep(LOOK_AGAIN_AFTER).await;
        }
        Err(ApiError::Unavailable { retry_after_seconds: 5 }.into())
    }

    async fn make(&self, account_id: AccountId, change: &Change) -> AppResult<NextUrl> {
        match change {
            Change::Plan { key, interval } => return self.change_plan(account_id, key, *interval).await,
            Change::Cancel => self.cancel_subscription(account_id).await?,
            Change::Resume => self.resume_subscription(account_id).await?,
            Change::OverageCap(cap) => self.set_overage_cap(account_id, *cap).await?,
        }
        Ok(BILLING_PATH.to_owned())
    }

    /// The account's customer and its subscription, as Stripe has it now.
    pub(super) async fn subscription_of(&self, account_id: AccountId) -> AppResult<(String, Subscription)> {
        let customer_id = accounts::find_customer(&mut *self.db.get().await?, account_id).await?;
        let customer_id = customer_id.ok_or_else(no_subscription)?;
        let subscription = self.live_subscription(&customer_id).await?;
        // One that is paused gives nothing until somebody subscribes anew.
        let subscription = subscription.filter(|found| found.status != SubscriptionStatus::Paused);
        Ok((customer_id, subscription.ok_or_else(no_subscription)?))
    }
}

pub(super) fn no_subscription() -> ApiError {
    ApiError::invalid("There is no subscription to change. Choose a plan first.")
}
