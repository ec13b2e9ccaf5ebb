//! Pay as you go: switching it on, with a cap, and off.

use app::ApiError;
use app::types::{AccountId, Interval, Nanos};

use super::Cashier;
use crate::AppResult;
use crate::providers::stripe::{StripeError, Subscription};
use crate::store::overage;

impl Cashier {
    /// Lets replies cost up to `cap` a billing period beyond credit. The subscription is billed by the meter from then
    /// on, and stays so when this is switched off again: what was used is still to be billed.
    pub(super) async fn set_overage_cap(&self, account_id: AccountId, cap: Nanos) -> AppResult<()> {
        let account = self.plans.of_account(&*self.db.get().await?, account_id).await?;
        let most = account.overage_max().ok_or_else(|| {
            ApiError::invalid("Pay as you go needs a subscription that is paid and whose plan offers it.")
        })?;
        if cap <= Nanos::ZERO || cap > most {
            let text = format!("The cap must be more than $0.00 and at most {}.", most.to_cents_text());
            return Err(ApiError::invalid(text).into());
        }
        let offer = self.plans.overage().ok_or(ApiError::NotFound)?;
        let price_id = self.price_id(&offer.lookup_key).await?;
        let (customer_id, subscription) = self.subscription_of(account_id).await?;
        require_monthly(&subscription)?;
        if subscription.metered.is_none() {
            self.add_metered_item(account_id, &subscription, &price_id).await?;
            self.sync_customer(&customer_id).await?;
        }
        overage::set_cap(&mut *self.db.get().await?, account_id, Some(cap)).await?;
        tracing::info!(account.id = %account_id, "Pay as you go is on");
        Ok(())
    }

    async fn add_metered_item(
        &self,
        account_id: AccountId,
        subscription: &Subscription,
        price_id: &str,
    ) -> AppResult<()> {
        match self.stripe.add_metered_item(subscription, price_id).await {
            // Another window was faster.
            Err(StripeError::Refused(_)) if self.subscription_of(account_id).await?.1.metered.is_some() => {
                Ok(())
            }
            added => Ok(added?),
        }
    }

    /// No reply from now on costs more than there is credit. Those being written keep what was set aside for them.
    pub async fn stop_overage(&self, account_id: AccountId) -> AppResult<()> {
        overage::set_cap(&mut *self.db.get().await?, account_id, None).await?;
        tracing::info!(account.id = %account_id, "Pay as you go is off");
        Ok(())
    }

    /// Before the metered item goes: what it has not billed yet, nobody would ever bill.
    pub(super) async fn require_no_overage(&self, account_id: AccountId) -> AppResult<()> {
        let account = overage::read(&mut *self.db.get().await?, account_id).await?;
        if account.overage.cap.is_some() {
            let text = "Switch pay as you go off first: it cannot go with a yearly subscription.";
            return Err(ApiError::invalid(text).into());
        }
        if account.overage.used + account.held > Nanos::ZERO {
            let text =
                "What you used beyond your credit is billed at the end of this month. Change to yearly then.";
            return Err(ApiError::invalid(text).into());
        }
        Ok(())
    }
}

fn require_monthly(subscription: &Subscription) -> Result<(), ApiError> {
    if subscription.price.interval != Some(Interval::Month) {
        return Err(ApiError::invalid("Pay as you go needs a subscription that is paid monthly."));
    }
    if subscription.metered.is_none() && subscription.schedule.is_some() {
        let text = "Your plan is about to change. Switch pay as you go on after that, or take the change back first.";
        return Err(ApiError::invalid(text));
    }
    Ok(())
}
