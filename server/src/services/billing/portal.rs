//! Stripe's pages about what is paid already, or is due.

use app::api::NextUrl;
use app::links::BILLING_PATH;
use app::types::{AccountId, PortalPage};

use super::Cashier;
use super::changes::no_subscription;
use crate::AppResult;
use crate::store::accounts;

impl Cashier {
    pub async fn open_portal(&self, account_id: AccountId, page: PortalPage) -> AppResult<NextUrl> {
        let customer_id = accounts::find_customer(&mut *self.db.get().await?, account_id).await?;
        let customer_id = customer_id.ok_or_else(no_subscription)?;
        if page == PortalPage::UnpaidInvoice
            && let Some(url) = self.due_invoice_page(&customer_id).await?
        {
            return Ok(url);
        }
        Ok(self.stripe.create_portal(&customer_id, page, &self.url(BILLING_PATH)).await?)
    }

    /// Where the latest invoice of a subscription that is due is paid: whatever is paid of earlier ones, Stripe takes the
    /// subscription up again only with this one. Of an unpaid subscription it is a draft until somebody wants to pay it.
    async fn due_invoice_page(&self, customer_id: &str) -> AppResult<Option<NextUrl>> {
        let subscription = self.live_subscription(customer_id).await?;
        let subscription = subscription.filter(|subscription| subscription.status.is_due());
        let Some(invoice) = subscription.and_then(|subscription| subscription.latest_invoice_id) else {
            return Ok(None);
        };
        Ok(self.stripe.invoice_page(&invoice).await?)
    }
}
