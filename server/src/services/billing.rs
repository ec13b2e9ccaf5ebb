//! What can be bought, and the subscription. Without a key of Stripe's nothing can be bought.

use app::api::{BillingApi, CheckoutItem, NextUrl};
use app::types::{Actor, Billing, CheckoutOutcome, Interval, Offers, PlanOffer, PortalPage, Standing};
use app::{ApiError, ApiResult};
use async_trait::async_trait;

use super::plans::Plans;

#[derive(Clone)]
pub struct BillingService {
    plans: Plans,
}

impl BillingService {
    pub fn new(plans: Plans) -> Self {
        Self { plans }
    }
}

fn closed() -> ApiError {
    ApiError::invalid("Nothing can be bought here: payments are not set up.")
}

#[async_trait]
impl BillingApi for BillingService {
    async fn list_offers(&self) -> ApiResult<Offers> {
        let offer = |plan| PlanOffer { plan, prices: vec![], models: vec![] };
        let plans = self.plans.list().into_iter().map(offer).collect();
        Ok(Offers { is_open: false, plans, packs: vec![] })
    }

    async fn read_standing(&self, actor: &Actor) -> ApiResult<Standing> {
        actor.user()?;
        Ok(Standing::Free)
    }

    async fn read_billing(&self, actor: &Actor) -> ApiResult<Billing> {
        actor.user()?;
        Ok(Billing {
            standing: Standing::Free,
            subscription: None,
            card: None,
            invoices: vec![],
            packs: vec![],
        })
    }

    async fn begin_checkout(&self, actor: &Actor, _: CheckoutItem) -> ApiResult<NextUrl> {
        actor.user()?;
        Err(closed())
    }

    async fn finish_checkout(&self, actor: &Actor, _: String) -> ApiResult<CheckoutOutcome> {
        actor.user()?;
        Err(closed())
    }

    async fn change_plan(&self, actor: &Actor, _: String, _: Interval) -> ApiResult<NextUrl> {
        actor.user()?;
        Err(closed())
    }

    async fn cancel_subscription(&self, actor: &Actor) -> ApiResult<()> {
        actor.user()?;
        Err(closed())
    }

    async fn resume_subscription(&self, actor: &Actor) -> ApiResult<()> {
        actor.user()?;
        Err(closed())
    }

    async fn open_portal(&self, actor: &Actor, _: PortalPage) -> ApiResult<NextUrl> {
        actor.user()?;
        Err(closed())
    }
}
