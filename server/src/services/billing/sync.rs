//! Bringing an account in line with its customer at Stripe. Everything is read anew, so it matters neither what an event
//! said nor in which order or how often events come.

use super::Cashier;
use super::findings::findings;
use super::news::news;
use crate::AppResult;
use crate::store::{accounts, stripe_events, subscriptions};

impl Cashier {
    /// Reads a customer at Stripe and writes down what it means. No connection is held meanwhile. Readings of one
    /// customer may overlap: each has a number, and what an older one found is dropped once a newer one is written, which
    /// has seen all that the older one could.
    pub async fn sync_customer(&self, customer_id: &str) -> AppResult<()> {
        let result = self.read_and_write(customer_id).await;
        if let Err(error) = &result {
            let text = error.to_string();
            stripe_events::note_error(&mut *self.db.get().await?, customer_id, &text).await?;
        }
        result
    }

    async fn read_and_write(&self, customer_id: &str) -> AppResult<()> {
        let (reading, written) = {
            let mut conn = self.db.get().await?;
            let Some(reading) = accounts::begin_reading(&mut conn, customer_id).await? else {
                return Ok(stripe_events::dismiss(&mut conn, customer_id).await?);
            };
            (reading, subscriptions::find(&mut conn, reading.account_id).await?)
        };
        let prices = self.prices().await?;
        // In a box: everything that waits for it would be as big as all that Stripe lists.
        let customer = Box::pin(self.stripe.read_customer(customer_id)).await?;
        let prices = prices.keeping(written.as_ref(), &customer.subscriptions);
        let findings = findings(customer_id, &customer, &prices, reading.at);
        let mut conn = self.db.get().await?;
        let news = |before: &_| news(before, &findings, &customer, reading);
        if subscriptions::write(&mut conn, customer_id, reading, &findings, news).await? {
            if customer.is_deleted {
                tracing::warn!(account.id = %reading.account_id, "The account's customer was deleted at Stripe");
            }
            tracing::info!(account.id = %reading.account_id, plan = findings.plan, "Account is as Stripe has it");
        }
        Ok(())
    }

    /// The same for whoever a charge belongs to: disputes do not name the customer.
    pub async fn sync_charge(&self, event_id: &str, charge_id: &str) -> AppResult<()> {
        let customer_id = self.stripe.find_customer_of_charge(charge_id).await?;
        stripe_events::set_customer(&mut *self.db.get().await?, event_id, customer_id.as_deref()).await?;
        match customer_id {
            Some(customer_id) => self.sync_customer(&customer_id).await,
            None => Ok(()),
        }
    }
}
