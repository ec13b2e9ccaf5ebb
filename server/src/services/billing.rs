//! Paying. Stripe is the authority for what is subscribed to and paid; the account follows it ([`sync`]), whatever led to
//! a change. Without a key of Stripe's nothing can be bought.

mod changes;
mod checkout;
mod endpoint_check;
mod entitlements;
mod findings;
mod inbox;
mod meter_check;
mod meter_export;
mod meter_sync;
mod money_back;
mod news;
mod overage;
mod price_sync;
mod prices;
mod reconcile;
mod standing;
mod sync;
mod sync_job;

use std::sync::Arc;
use std::time::{Duration, Instant};

use app::api::{BillingApi, CheckoutItem, NextUrl};
use app::types::*;
use app::{ApiError, ApiResult};
use async_trait::async_trait;
use tokio::sync::RwLock;
use url::Url;

pub use self::endpoint_check::{EndpointFault, check_endpoint};
pub(crate) use self::inbox::WEBHOOK_PATH;
pub use self::price_sync::sync_prices;
use self::prices::PriceBook;
pub(crate) use self::reconcile::RECONCILE_JOB;
pub use self::standing::{Access, extended, standing_of};
pub use self::sync_job::SyncJob;
use super::catalog::CatalogService;
use super::plans::{AccountPlan, Plans};
use crate::AppResult;
use crate::error::reported;
use crate::providers::stripe::Stripe;
use crate::store::overage::{self as overage_store, AccountOverage};
use crate::store::subscriptions::{self, InvoiceRow, SubscriptionRow, to_interval};
use crate::store::{Db, StoreResult};

/// For so long prices are not asked for again.
const PRICES_CACHED_FOR: Duration = Duration::from_secs(300);

/// Takes payments with Stripe.
#[derive(Clone)]
pub struct Cashier {
    db: Db,
    stripe: Stripe,
    plans: Plans,
    public_url: Url,
    cached_prices: Arc<RwLock<Option<CachedPrices>>>,
}

/// Prices, and when they were asked for.
type CachedPrices = (Instant, Arc<PriceBook>);

impl Cashier {
    pub fn new(db: Db, stripe: Stripe, plans: Plans, public_url: Url) -> Self {
        Self { db, stripe, plans, public_url, cached_prices: Arc::default() }
    }

    async fn prices(&self) -> AppResult<Arc<PriceBook>> {
        if let Some((at, prices)) = &*self.cached_prices.read().await
            && at.elapsed() < PRICES_CACHED_FOR
        {
            return Ok(prices.clone());
        }
        let keys = PriceBook::lookup_keys(&self.plans);
        let found = self.stripe.list_prices(&keys).await?;
        let is_complete = found.len() == keys.len();
        let prices = Arc::new(PriceBook::new(self.plans.clone(), found));
        // What is missing may be made any moment.
        if is_complete {
            *self.cached_prices.write().await = Some((Instant::now(), prices.clone()));
        }
        Ok(prices)
    }
}

#[derive(Clone)]
pub struct BillingService {
    db: Db,
    plans: Plans,
    catalog: CatalogService,
    cashier: Option<Cashier>,
}

impl BillingService {
    pub fn new(db: Db, plans: Plans, catalog: CatalogService, cashier: Option<Cashier>) -> Self {
        Self { db, plans, catalog, cashier }
    }

    fn cashier(&self) -> ApiResult<&Cashier> {
        let closed = || ApiError::invalid("Nothing can be bought here: payments are not set up.");
        self.cashier.as_ref().ok_or_else(closed)
    }

    async fn offers(&self) -> AppResult<Offers> {
        let mut plans = vec![self.offer(self.plans.default_plan().clone(), vec![]).await?];
        for paid in self.plans.paid() {
            let prices = paid.prices.iter().map(|price| price.offer()).collect();
            plans.push(self.offer(paid.plan.clone(), prices).await?);
        }
        let packs = self.plans.packs().iter().map(|pack| pack.offer.clone()).collect();
        Ok(Offers { is_open: self.cashier.is_some(), plans, packs })
    }

    async fn offer(&self, plan: Plan, prices: Vec<Price>) -> AppResult<PlanOffer> {
        let models = self.catalog.list(&plan).await?;
        let models = models.into_iter().filter(|model| model.is_included).map(|model| model.name).collect();
        Ok(PlanOffer { plan, prices, models })
    }

    pub(super) async fn read(&self, account_id: AccountId) -> StoreResult<Billing> {
        let mut conn = self.db.get().await?;
        let account = self.plans.of_account(&conn, account_id).await?;
        let standing = account.standing;
        let overage = overage_store::read(&mut conn, account_id).await?;
        let row = subscriptions::find(&mut conn, account_id).await?;
        let overage = self.overage_terms(&account, row.as_ref(), overage);
        let invoices = subscriptions::list_invoices(&mut conn, account_id).await?;
        let purchases = subscriptions::list_purchases(&mut conn, account_id).await?;
        let pack = |row: subscriptions::PurchaseRow| PackPurchase {
            name: self
                .plans
                .find_pack(&row.pack)
                .map_or_else(|| "Credit".to_owned(), |pack| pack.offer.name.clone()),
            credit: row.credit(),
            amount_cents: row.amount_cents,
            refunded_cents: row.refunded_cents,
            bought_at: row.bought_at,
            receipt_url: row.receipt_url,
        };
        Ok(Billing {
            standing,
            card: row.as_ref().and_then(SubscriptionRow::card),
            subscription: row.filter(|_| standing != Standing::Free).map(|row| self.to_subscription(row)),
            invoices: invoices.into_iter().map(to_invoice).collect(),
            packs: purchases.into_iter().map(pack).collect(),
            overage,
        })
    }

    /// None: it is not to be had, and nothing of it is to be paid.
    fn overage_terms(
        &self,
        account: &AccountPlan,
        row: Option<&SubscriptionRow>,
        AccountOverage { overage, held }: AccountOverage,
    ) -> Option<OverageTerms> {
        let most = account.overage_max().filter(|_| self.cashier.is_some());
        let is_monthly = row.is_some_and(|row| row.interval == "month");
        let most = most.filter(|_| is_monthly);
        (most.is_some() || overage.used > Nanos::ZERO).then(|| OverageTerms {
            most,
            cap: overage.cap.zip(most).map(|(cap, most)| cap.min(most)),
            used: overage.used,
            held,
        })
    }

    fn to_subscription(&self, row: SubscriptionRow) -> Subscription {
        let name = |key: &str| {
            self.plans.find_paid(key).map_or_else(|| key.to_owned(), |paid| paid.plan.name.clone())
        };
        let cents = |cents: i64| u32::try_from(cents).unwrap_or_default();
        let plan_key = row.plan.unwrap_or_default();
        let next = (row.next_plan.zip(row.next_interval)).zip(row.next_amount_cents.zip(row.next_at));
        Subscription {
            plan_name: name(&plan_key),
            plan_key,
            interval: to_interval(&row.interval),
            amount_cents: cents(row.amount_cents),
            renews_at: row.period_end,
            ends_at: row.ends_at,
            changes_to: next.map(|((key, interval), (amount, at))| PlannedChange {
                plan_name: name(&key),
                plan_key: key,
                interval: to_interval(&interval),
                amount_cents: cents(amount),
                at,
            }),
            unpaid_change_url: row.unpaid_change_url,
        }
    }
}

fn to_invoice(row: InvoiceRow) -> Invoice {
    let status = match row.status.as_str() {
        "paid" if row.refunded_cents > 0 && row.refunded_cents >= row.total_cents => InvoiceStatus::Refunded,
        "paid" => InvoiceStatus::Paid,
        "open" => InvoiceStatus::Open,
        "void" => InvoiceStatus::Void,
        "uncollectible" => InvoiceStatus::Uncollectible,
        _ => InvoiceStatus::Draft,
    };
    Invoice {
        number: row.number,
        status,
        total_cents: row.total_cents,
        refunded_cents: row.refunded_cents,
        created_at: row.created_at,
        url: row.url,
        pdf_url: row.pdf_url,
    }
}

#[async_trait]
impl BillingApi for BillingService {
    async fn list_offers(&self) -> ApiResult<Offers> {
        reported(&Actor::default(), self.offers()).await
    }

    async fn read_standing(&self, actor: &Actor) -> ApiResult<Standing> {
        let user = actor.reader()?;
        reported(actor, async {
            let account = self.plans.of_account(&*self.db.get().await?, user.account_id).await?;
            Ok(account.told_standing())
        })
        .await
    }

    async fn read_billing(&self, actor: &Actor) -> ApiResult<Billing> {
        let user = actor.reader()?;
        reported(actor, async { Ok(self.read(user.account_id).await?) }).await
    }

    async fn begin_checkout(&self, actor: &Actor, item: CheckoutItem) -> ApiResult<NextUrl> {
        let user = actor.user()?;
        reported(actor, self.cashier()?.begin_checkout(user.account_id, item)).await
    }

    async fn finish_checkout(&self, actor: &Actor, session_id: String) -> ApiResult<CheckoutOutcome> {
        let user = actor.user()?;
        reported(actor, self.cashier()?.finish_checkout(user.account_id, &session_id)).await
    }

    async fn change_plan(&self, actor: &Actor, plan_key: String, interval: Interval) -> ApiResult<NextUrl> {
        let user = actor.user()?;
        reported(actor, self.cashier()?.change_plan(user.account_id, &plan_key, interval)).await
    }

    async fn cancel_subscription(&self, actor: &Actor) -> ApiResult<()> {
        let user = actor.user()?;
        reported(actor, self.cashier()?.cancel_subscription(user.account_id)).await
    }

    async fn resume_subscription(&self, actor: &Actor) -> ApiResult<()> {
        let user = actor.user()?;
        reported(actor, self.cashier()?.resume_subscription(user.account_id)).await
    }

    async fn set_overage_cap(&self, actor: &Actor, cap: Nanos) -> ApiResult<()> {
        let user = actor.user()?;
        reported(actor, self.cashier()?.set_overage_cap(user.account_id, cap)).await
    }

    async fn stop_overage(&self, actor: &Actor) -> ApiResult<()> {
        let user = actor.user()?;
        reported(actor, self.cashier()?.stop_overage(user.account_id)).await
    }

    async fn open_portal(&self, actor: &Actor, page: PortalPage) -> ApiResult<NextUrl> {
        let user = actor.user()?;
        reported(actor, self.cashier()?.open_portal(user.account_id, page)).await
    }
}
