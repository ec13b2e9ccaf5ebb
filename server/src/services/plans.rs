//! What each plan includes. The values are settings, so operators and tests can vary them.

use std::sync::Arc;

use app::ApiError;
use app::types::{AccountId, Credit, Interval, LimitOverride, Nanos, Plan, PlanOverride, Standing};
use chrono::{DateTime, Utc};

use super::billing::{Access, extended, standing_of};
use crate::caps::PlanCaps;
use crate::config::{OveragePrice, Pack, PaidPlan, PlanPrice, PlansConfig};
use crate::store::accounts::{self, AccountPlanRow};
use crate::store::subscriptions::Dunning;
use crate::store::{Connection, StoreResult};

/// The plans on offer.
#[derive(Clone, Debug)]
pub struct Plans(Arc<PlansConfig>);

/// What an account may use today.
#[derive(Clone, Debug)]
pub struct AccountPlan {
    pub plan: Plan,
    pub standing: Standing,
    access: Access,
    /// When it gets new credit. None: with the next calendar month, from Free.
    pub credit_resets_at: Option<DateTime<Utc>>,
    /// When the period of the credit it has began.
    pub credit_period_start: DateTime<Utc>,
    /// An operator lets it have no replies, since then.
    pub suspended_at: Option<DateTime<Utc>>,
    /// An operator bears that it is not paid, until then.
    pub grace_until: Option<DateTime<Utc>>,
    /// In force: the plan has these limits already.
    pub limit_override: Option<LimitOverride>,
    /// In force: the plan is this one already.
    pub plan_override: Option<PlanOverride>,
}

impl AccountPlan {
    /// Credit that is given on first use in a calendar month. A subscription's comes with its payments instead.
    pub fn free_credit(&self) -> Nanos {
        match self.access.has_free_credit {
            true => self.plan.monthly_credit,
            false => Nanos::ZERO,
        }
    }

    /// The same with another plan in the place of its own.
    pub fn on(self, plan: Plan) -> Self {
        Self { plan, ..self }
    }

    /// The most a period may cost beyond credit, for those who have switched that on. None: nothing.
    pub fn overage_max(&self) -> Option<Nanos> {
        self.plan.overage_max.filter(|_| self.access.has_overage)
    }

    /// For those who have set none of their own.
    pub fn plan_caps(&self) -> PlanCaps {
        PlanCaps { monthly: self.plan.monthly_cap, thread: self.plan.thread_cap }
    }

    /// The credit as the account is told of it.
    pub fn told(&self, credit: Credit) -> Credit {
        Credit { resets_at: self.credit_resets_at.unwrap_or(credit.resets_at), ..credit }
    }

    /// How it stands, as the person is told.
    pub fn told_standing(&self) -> Standing {
        if self.suspended_at.is_some() { Standing::Suspended } else { self.standing }
    }

    /// Why it gets no replies: an operator has suspended it, or its subscription's payment is overdue beyond the grace.
    pub fn refusal(&self) -> Option<ApiError> {
        match self.told_standing() {
            Standing::Suspended => Some(ApiError::Suspended),
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
        self.iter().cloned().collect()
    }

    fn iter(&self) -> impl Iterator<Item = &Plan> {
        std::iter::once(&self.0.free).chain(self.0.paid.iter().map(|paid| &paid.plan))
    }

    /// One on offer.
    pub fn find(&self, key: &str) -> Option<&Plan> {
        self.iter().find(|plan| plan.key == key)
    }

    /// Those that are subscribed to, in the order in which they give more.
    pub fn paid(&self) -> &[PaidPlan] {
        &self.0.paid
    }

    /// For people. Of one no longer on offer, its key.
    pub fn name_of(&self, key: &str) -> String {
        self.find(key).map_or_else(|| key.to_owned(), |plan| plan.name.clone())
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

    /// The account's plan: the one an operator has put in its place, else what is paid for. One no longer on offer counts as
    /// Free.
    pub async fn of_account(&self, conn: &Connection, id: AccountId) -> StoreResult<AccountPlan> {
        Ok(self.of_row(&accounts::find_plan(conn, id).await?))
    }

    /// The same of what was read already.
    pub fn of_row(&self, row: &AccountPlanRow) -> AccountPlan {
        let standing = standing_at(row.dunning.as_ref(), row.grace_until, row.at);
        let access = Access::of(standing, row.dunning.map(|dunning| dunning.status));
        let limit_override = row.limit_override.filter(|limits| limits.ends_at > row.at);
        let paid = self.find_paid(&row.plan).filter(|_| access.has_paid_limits);
        let own = paid.map_or(&self.0.free, |paid| &paid.plan);
        let other = row.plan_override.as_ref().filter(|other| other.ends_at > row.at);
        let other = other.and_then(|other| Some((self.find(&other.plan)?, other.ends_at)));
        let plan = other.map_or(own, |(plan, _)| plan);
        AccountPlan {
            plan: overridden(plan.clone(), limit_override),
            standing,
            access,
            credit_resets_at: row.credit_resets_at.filter(|_| !access.has_free_credit),
            credit_period_start: row.period_start(row.at),
            suspended_at: row.suspended_at,
            grace_until: row.grace_until.filter(|until| *until > row.at),
            limit_override,
            plan_override: other
                .map(|(plan, ends_at)| PlanOverride { plan_name: plan.name.clone(), ends_at }),
        }
    }
}

/// How an account stands with paying at a moment. No dunning: it has no subscription.
pub fn standing_at(
    dunning: Option<&Dunning>,
    grace_until: Option<DateTime<Utc>>,
    at: DateTime<Utc>,
) -> Standing {
    dunning.map_or(Standing::Free, |dunning| extended(standing_of(dunning, at), dunning, grace_until, at))
}

fn overridden(plan: Plan, limits: Option<LimitOverride>) -> Plan {
    let Some(limits) = limits else { return plan };
    Plan {
        requests_per_minute: limits.requests_per_minute.unwrap_or(plan.requests_per_minute),
        requests_per_day: limits.requests_per_day.unwrap_or(plan.requests_per_day),
        tokens_per_minute: limits.tokens_per_minute.unwrap_or(plan.tokens_per_minute),
        concurrent_replies: limits.concurrent_replies.unwrap_or(plan.concurrent_replies),
        ..plan
    }
}
