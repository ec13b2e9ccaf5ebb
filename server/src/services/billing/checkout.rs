//! Buying: the way to Stripe's page to pay, and the way back.

use app::ApiError;
use app::api::{CheckoutItem, NextUrl};
use app::links::{CHECKOUT_PATH, PRICING_PATH, change_plan_path};
use app::types::{AccountId, CheckoutOutcome, Interval, Nanos, Standing};

use super::Cashier;
use super::findings::current;
use crate::AppResult;
use crate::config::Pack;
use crate::providers::stripe::{
    Checkout, CheckoutRequest, CheckoutState, StripeError, Subscription, SubscriptionStatus,
};
use crate::store::{accounts, subscriptions};

/// Somebody who opens pages to pay in several windows at once gets one of them after so many tries.
const TRIES: usize = 5;

impl Cashier {
    pub async fn begin_checkout(&self, account_id: AccountId, item: CheckoutItem) -> AppResult<NextUrl> {
        match item {
            CheckoutItem::Plan { key, interval } => self.begin_subscription(account_id, key, interval).await,
            CheckoutItem::Pack { key } => self.begin_pack(account_id, &key).await,
        }
    }

    async fn begin_pack(&self, account_id: AccountId, key: &str) -> AppResult<NextUrl> {
        let pack = self.plans.find_pack(key).ok_or(ApiError::NotFound)?;
        let Pack { offer, lookup_key } = pack;
        let price_id = self.price_id(lookup_key).await?;
        let customer_id = self.customer_of(account_id).await?;
        let bought = Some((offer.key.clone(), offer.credit.0));
        let request = self.checkout_request(account_id, customer_id, price_id, bought);
        let checkout = self.stripe.create_checkout(&request).await?;
        Ok(checkout.url.ok_or_else(not_now)?)
    }

    /// Of an account's pages to pay for a subscription only one is ever open, and none while there is a subscription:
    /// so there are never two. Whoever has one is asked first, because their card would be charged without a page of Stripe's.
    async fn begin_subscription(
        &self,
        account_id: AccountId,
        key: String,
        interval: Interval,
    ) -> AppResult<NextUrl> {
        let price = self.plans.find_price(&key, interval).ok_or(ApiError::NotFound)?;
        let price_id = self.price_id(&price.lookup_key).await?;
        let customer_id = self.customer_of(account_id).await?;
        for _ in 0..TRIES {
            let known = accounts::find_checkout(&mut *self.db.get().await?, account_id).await?;
            if let Some(id) = &known {
                self.close(id).await?;
            }
            // Asked for after the open page is closed: nothing can be paid from here on.
            match self.live_subscription(&customer_id).await? {
                // It waits for a card, which the new one asks for.
                Some(found) if found.status == SubscriptionStatus::Paused => {
                    self.end(&found.id).await?;
                }
                Some(_) => return Ok(change_plan_path(&key, interval)),
                None => {}
            }
            let request = self.checkout_request(account_id, customer_id.clone(), price_id.clone(), None);
            let new = self.stripe.create_checkout(&request).await?;
            let mut conn = self.db.get().await?;
            if accounts::replace_checkout(&mut conn, account_id, known.as_deref(), &new.id).await? {
                return Ok(new.url.ok_or_else(not_now)?);
            }
            drop(conn);
            // Another window was faster. This page was shown to nobody.
            self.close(&new.id).await?;
        }
        Err(not_now().into())
    }

    /// Closes a page to pay, if it is open.
    async fn close(&self, id: &str) -> AppResult<()> {
        match self.stripe.expire_checkout(id).await {
            // It is paid, or has expired.
            Ok(()) | Err(StripeError::Refused(_) | StripeError::NotFound(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Ends a subscription, if it has not ended.
    async fn end(&self, id: &str) -> AppResult<()> {
        match self.stripe.end_subscription(id).await {
            Ok(()) | Err(StripeError::NotFound(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn live_subscription(&self, customer_id: &str) -> AppResult<Option<Subscription>> {
        let list = self.stripe.list_subscriptions(customer_id).await?;
        Ok(current(&list).filter(|subscription| subscription.status.is_live()).cloned())
    }

    /// The account's customer at Stripe. Made once: Stripe knows the request again, and of two that come about after
    /// all, the database keeps one. After one that was deleted, another is made.
    async fn customer_of(&self, account_id: AccountId) -> AppResult<String> {
        let (readings, email) = {
            let mut conn = self.db.get().await?;
            if let Some(known) = accounts::find_customer(&mut conn, account_id).await? {
                return Ok(known);
            }
            let readings = accounts::count_readings(&mut conn, account_id).await?;
            (readings, accounts::find_email(&mut conn, account_id).await?)
        };
        let new = self.stripe.create_customer(&account_id.to_string(), readings, email.as_deref()).await?;
        let kept = accounts::keep_customer(&mut *self.db.get().await?, account_id, &new).await?;
        if kept.is_none() {
            self.delete_customer(&new).await?;
        }
        Ok(kept.ok_or(ApiError::Suspended)?)
    }

    fn checkout_request(
        &self,
        account_id: AccountId,
        customer_id: String,
        price_id: String,
        pack: Option<(String, i64)>,
    ) -> CheckoutRequest {
        CheckoutRequest {
            customer_id,
            account_id: account_id.to_string(),
            price_id,
            pack,
            success_url: format!("{}?session={{CHECKOUT_SESSION_ID}}", self.url(CHECKOUT_PATH)),
            cancel_url: self.url(PRICING_PATH),
        }
    }

    /// How a visit to a page to pay ended. Whoever comes first, this or the webhook, brings the account in line.
    pub async fn finish_checkout(
        &self,
        account_id: AccountId,
        session_id: &str,
    ) -> AppResult<CheckoutOutcome> {
        let customer_id = accounts::find_customer(&mut *self.db.get().await?, account_id).await?;
        let checkout = match self.stripe.read_checkout(session_id).await {
            Err(StripeError::NotFound(_) | StripeError::Refused(_)) => return Err(ApiError::NotFound.into()),
            checkout => checkout?,
        };
        let customer_id = customer_id.filter(|id| checkout.customer_id.as_ref() == Some(id));
        let customer_id = customer_id.ok_or(ApiError::NotFound)?;
        match checkout.state {
            CheckoutState::Open | CheckoutState::Expired => Ok(CheckoutOutcome::NotPaid),
            CheckoutState::Unpaid => Ok(CheckoutOutcome::Pending),
            CheckoutState::Paid => {
                self.sync_customer(&customer_id).await?;
                self.bought(account_id, &checkout).await
            }
        }
    }

    async fn bought(&self, account_id: AccountId, checkout: &Checkout) -> AppResult<CheckoutOutcome> {
        let mut conn = self.db.get().await?;
        if checkout.pack.is_some() {
            let purchase = subscriptions::find_purchase(&mut conn, account_id, &checkout.id).await?;
            return Ok(purchase.map_or(CheckoutOutcome::Pending, |purchase| CheckoutOutcome::PackBought {
                name: self.pack_name(&purchase.pack),
                credit: Nanos(purchase.credit_nanos),
            }));
        }
        let row = accounts::find_plan(&conn, account_id).await?;
        Ok(match self.plans.of_row(&row).standing {
            Standing::Free => CheckoutOutcome::Pending,
            _ => CheckoutOutcome::Subscribed { plan_name: self.plans.name_of(&row.plan) },
        })
    }

    /// The name a pack has today.
    pub(super) fn pack_name(&self, key: &str) -> String {
        self.plans.find_pack(key).map_or_else(|| "Credit".to_owned(), |pack| pack.offer.name.clone())
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.public_url.as_str().trim_end_matches('/'))
    }

    /// # Errors
    /// Not for sale: Stripe has no such price, which is logged.
    pub(super) async fn price_id(&self, lookup_key: &str) -> AppResult<String> {
        if let Some(price) = self.prices().await?.find(lookup_key) {
            return Ok(price.id.clone());
        }
        tracing::error!(lookup_key, "Stripe has no such price; `plumbline stripe sync` makes it");
        Err(ApiError::invalid("This cannot be bought at the moment. Nothing was charged.").into())
    }
}

fn not_now() -> ApiError {
    ApiError::Unavailable { retry_after_seconds: 5 }
}
