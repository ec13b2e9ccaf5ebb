//! What each plan includes. The values are settings, so operators and tests can vary them.

use std::sync::Arc;

use app::ApiError;
use app::types::{AccountId, Credit, Interval, Nanos, Plan, Standing};
use chrono::{DateTime, Utc};

use super::billing::{Access, standing_of};
use crate::config::{OveragePrice, Pack, PaidPlan, PlanPrice, PlansConfig};
use crate::store::{Connection, StoreResult, accounts};

/// The plans on offer.
#[derive(Clone, Debug)]
pub struct Plans(Arc<PlansConfig>);

/// What an account may use today.
#[derive(Clone, Debug)]
pub struct AccountPlan {
    pub plan: Plan,
    pub standing: Standing,
    /// When it gets new credit. None: with the next calendar month, from Free.
    pub credit_resets_at: Option<DateTime<Utc>>,
}

impl AccountPlan {
    /// Credit that is given on first use in a calendar month. A subscription's comes with its payments instead.
    pub fn free_credit(&self) -> Nanos {
        match Access::of(self.standing).has_free_credit {
            true => self.plan.monthly_credit,
            false => Nanos::ZERO,
        }
    }

    /// The most a period may cost beyond credit, for those who have switched that on. None: nothing.
    pub fn overage_max(&self) -> Option<Nanos> {
        self.plan.overage_max.filter(|_| Access::of(self.standing).has_overage)
    }

    /// The credit as the account is told of it.
    pub fn told(&self, credit: Credit) -> Credit {
        Credit { resets_at: self.credit_resets_at.unwrap_or(credit.resets_at), ..credit }
    }

    /// Why it gets no replies: its subscription's payment is overdue beyond the grace.
    pub fn refusal(&self) -> Option<ApiError> {
        match self.standing {
            Standing::Frozen { since } => Some(ApiError::Frozen { since }),
            _ => None,
        }
    }
}

impl Plans {
    pub fn new(config: &PlansConfig) -> Self {
        Self(Arc::new(config.clone()))
    }

    /// The plan of everybody who has chosen none.
    pub fn default_plan(&self) -> &Plan {
        &self.0.free
    }

    /// Free first, then what gives more and more.
    pub fn list(&self) -> Vec<Plan> {
        let paid = self.0.paid.iter().map(|paid| &paid.plan);
        std::iter::once(&self.0.free).chain(paid).cloned().collect()
    }

    /// Those that are subscribed to, in the order in which they give more.
    pub fn paid(&self) -> &[PaidPlan] {
        &self.0.paid
    }

    /// For people. Of one no longer on offer, its key.
    pub fn name_of(&self, key: &str) -> String {
        self.list().into_iter().find(|plan| plan.key == key).map_or_else(|| key.to_owned(), |plan| plan.name)
    }

    pub fn find_paid(&self, key: &str) -> Option<&PaidPlan> {
        self.0.paid.iter().find(|paid| paid.plan.key == key)
    }

    /// The price of a plan, if it is offered.
    pub fn find_price(&self, key: &str, interval: Interval) -> Option<&PlanPrice> {
        self.find_paid(key)?.price(interval)
    }

    /// How overage is billed. None: no plan has any.
    pub fn overage(&self) -> Option<&OveragePrice> {
        self.0.overage.as_ref()
    }

    pub fn packs(&self) -> &[Pack] {
        &self.0.packs
    }

    pub fn find_pack(&self, key: &str) -> Option<&Pack> {
        self.0.packs.iter().find(|pack| pack.offer.key == key)
    }

    /// The account's plan. One no longer on offer counts as Free.
    pub async fn of_account(&self, conn: &Connection, id: AccountId) -> StoreResult<AccountPlan> {
        let row = accounts::find_plan(conn, id).await?;
        let standing = row.dunning.as_ref().map_or(Standing::Free, |dunning| standing_of(dunning, row.at));
        let paid = self.find_paid(&row.plan).filter(|_| Access::of(standing).has_paid_limits);
        Ok(AccountPlan {
            plan: paid.map_or(&self.0.free, |paid| &paid.plan).clone(),
            standing,
            credit_resets_at: row.credit_resets_at.filter(|_| !Access::of(standing).has_free_credit),
        })
    }
}
