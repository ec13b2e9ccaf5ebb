//! Paying. Stripe is the authority for what is subscribed to and paid; the account follows it ([`sync`]), whatever led to
//! a change. Without a key of Stripe's nothing can be bought.

mod changes;
mod checkout;
mod endpoint_check;
mod entitlements;
mod farewell;
mod findings;
mod inbox;
mod meter_check;
mod meter_export;
mod meter_sync;
mod money_back;
mod news;
mod overage;
mod plan_changes;
mod portal;
mod price_sync;
mod prices;
mod reconcile;
mod standing;
mod sync;
mod sync_job;

use std::sync::Arc;
use std::time::Duration;

use app::api::{BillingApi, CheckoutItem, NextUrl};
use app::types::*;
use app::{ApiError, ApiResult};
use async_trait::async_trait;
use tokio_util::task::TaskTracker;
use url::Url;

use self::changes::Change;
pub use self::endpoint_check::{EndpointFault, check_endpoint};
pub(crate) use self::inbox::WEBHOOK_PATH;
pub use self::price_sync::sync_prices;
use self::prices::PriceBook;
pub(crate) use self::reconcile::RECONCILE_JOB;
pub use self::standing::{Access, extended, standing_of};
pub use self::sync_job::SyncJob;
use super::cached::Cached;
use super::catalog::CatalogService;
use super::plans::{AccountPlan, Plans};
use crate::error::reported;
use crate::limits::{CallLimit, CallOrigin, Limiter};
use crate::providers::stripe::{Stripe, StripeResult};
use crate::store::overage::{self as overage_store, AccountOverage};
use crate::store::subscriptions::{self, InvoiceRow, SubscriptionRow, to_interval};
use crate::store::{Db, StoreResult};
use crate::{AppError, AppResult, telemetry};

/// Somebody who has just paid looks at an empty page meanwhile.
const CHECKOUT_PATIENCE: Duration = Duration::from_secs(8);

/// For so long prices are not asked for again, and no longer, also while Stripe is away: nothing can be bought then anyway, and
/// nobody shall pay a price that was replaced.
const PRICES_CACHED_FOR: Duration = Duration::from_secs(300);

/// Takes payments with Stripe.
#[derive(Clone)]
pub struct Cashier {
    db: Db,
    stripe: Stripe,
    plans: Plans,
    public_url: Url,
    cached_prices: Cached<Arc<PriceBook>>,
}

impl Cashier {
    pub fn new(db: Db, stripe: Stripe, plans: Plans, public_url: Url) -> Self {
        Self { db, stripe, plans, public_url, cached_prices: Cached::strict(PRICES_CACHED_FOR) }
    }

    async fn prices(&self) -> AppResult<Arc<PriceBook>> {
        let prices = self.cached_prices.get(self.read_prices()).await?;
        if !prices.is_complete() {
            // What is missing may be made any moment.
            self.cached_prices.expire();
        }
        Ok(prices)
    }

    async fn read_prices(&self) -> StripeResult<Arc<PriceBook>> {
        let found = self.stripe.list_prices(&PriceBook::lookup_keys(&self.plans)).await?;
        Ok(Arc::new(PriceBook::new(self.plans.clone(), found)))
    }
}

#[derive(Clone)]
pub struct BillingService {
    db: Db,
    plans: Plans,
    catalog: CatalogService,
    cashier: Option<Cashier>,
    limiter: Limiter,
    limit: CallLimit,
    tasks: TaskTracker,
}

impl BillingService {
    pub fn new(
        db: Db,
        plans: Plans,
        catalog: CatalogService,
        cashier: Option<Cashier>,
        limiter: Limiter,
        limit: CallLimit,
    ) -> Self {
        Self { db, plans, catalog, cashier, limiter, limit, tasks: TaskTracker::new() }
    }

    /// Does what takes several steps at Stripe in a task of its own: whoever closes the page in the middle, or waits for
    /// longer than a request may take, leaves nothing half done.
    async fn whole<T: Send + 'static>(
        &self,
        actor: &Actor,
        work: impl Future<Output = AppResult<T>> + Send + 'static,
    ) -> ApiResult<T> {
        let task = self.tasks.spawn(telemetry::along(work));
        reported(actor, async { task.await.map_err(|_| AppError::TaskLost)? }).await
    }

    /// Where operators find a customer at Stripe. None: nowhere.
    pub(crate) fn customer_page(&self, customer_id: &str) -> Option<String> {
        self.cashier.as_ref()?.stripe.customer_page(customer_id)
    }

    async fn change(&self, actor: &Actor, change: Change) -> ApiResult<NextUrl> {
        let (cashier, account_id) = self.ask_stripe(actor).await?;
        self.whole(actor, async move { cashier.change(account_id, &change).await }).await
    }

    /// Waits for the changes that are being made. Those still going after `grace` are cut.
    pub(crate) async fn finish(&self, grace: Duration) {
        self.tasks.close();
        tokio::time::timeout(grace, self.tasks.wait()).await.ok();
    }

    /// For whoever changes or looks up something at Stripe, which answers only so many questions of ours: nobody may use
    /// them up for everybody else.
    async fn ask_stripe(&self, actor: &Actor) -> ApiResult<(Cashier, AccountId)> {
        let account_id = actor.user()?.account_id;
        let cashier = self.cashier()?.clone();
        self.limiter.admit_call(self.limit, CallOrigin::Account(account_id)).await?;
        Ok((cashier, account_id))
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
            plan_override: account.plan_override,
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
        let cents = |cents: i64| u32::try_from(cents).unwrap_or_default();
        let plan_key = row.plan.unwrap_or_default();
        let next = (row.next_plan.zip(row.next_interval)).zip(row.next_amount_cents.zip(row.next_at));
        Subscription {
            plan_name: self.plans.name_of(&plan_key),
            plan_key,
            interval: to_interval(&row.interval),
            amount_cents: cents(row.amount_cents),
            renews_at: row.period_end,
            ends_at: row.ends_at,
            changes_to: next.map(|((key, interval), (amount, at))| PlannedChange {
                plan_name: self.plans.name_of(&key),
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
        let (cashier, account_id) = self.ask_stripe(actor).await?;
        self.whole(actor, async move { cashier.begin_checkout(account_id, item).await }).await
    }

    async fn finish_checkout(&self, actor: &Actor, session_id: String) -> ApiResult<CheckoutOutcome> {
        let (cashier, account_id) = self.ask_stripe(actor).await?;
        let finish = async move { cashier.finish_checkout(account_id, &session_id).await };
        match tokio::time::timeout(CHECKOUT_PATIENCE, self.whole(actor, finish)).await {
            // It may well be paid: the page waits and asks again.
            Err(_) | Ok(Err(ApiError::Unavailable { .. })) => Ok(CheckoutOutcome::Pending),
            Ok(outcome) => outcome,
        }
    }

    async fn change_plan(&self, actor: &Actor, plan_key: String, interval: Interval) -> ApiResult<NextUrl> {
        self.change(actor, Change::Plan { key: plan_key, interval }).await
    }

    async fn cancel_subscription(&self, actor: &Actor) -> ApiResult<()> {
        self.change(actor, Change::Cancel).await.map(drop)
    }

    async fn resume_subscription(&self, actor: &Actor) -> ApiResult<()> {
        self.change(actor, Change::Resume).await.map(drop)
    }

    async fn set_overage_cap(&self, actor: &Actor, cap: Nanos) -> ApiResult<()> {
        self.change(actor, Change::OverageCap(cap)).await.map(drop)
    }

    async fn stop_overage(&self, actor: &Actor) -> ApiResult<()> {
        let user = actor.user()?;
        reported(actor, self.cashier()?.stop_overage(user.account_id)).await
    }

    async fn open_portal(&self, actor: &Actor, page: PortalPage) -> ApiResult<NextUrl> {
        let (cashier, account_id) = self.ask_stripe(actor).await?;
        reported(actor, cashier.open_portal(account_id, page)).await
    }
}
