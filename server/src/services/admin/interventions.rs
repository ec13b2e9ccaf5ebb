//! What operators do to an account.

use app::ApiError;
use app::api::admin::{NewLimits, NewPlan};
use app::types::{
    ApiKeyId, AuditKind, FormId, LimitOverride, Nanos, Operator, Reason, Standing, UserId, Viewing,
};
use chrono::TimeDelta;

use super::PeopleService;
use crate::AppResult;
use crate::services::billing::SyncJob;
use crate::store::interventions::{self, Intervention};
use crate::store::operator_credit::{self, CreditOutcome};
use crate::store::plan_overrides::PlanOverrideRow;
use crate::store::{Connection, accounts, api_keys, clock, plan_overrides, users, visits};

/// How long an operator may look at the product as somebody else before asking again.
const LONGEST_VISIT: TimeDelta = TimeDelta::minutes(30);

impl PeopleService {
    async fn intervention<'a>(
        &self,
        conn: &mut Connection,
        operator: &'a Operator,
        user_id: UserId,
        reason: &'a Reason,
    ) -> AppResult<Intervention<'a>> {
        let account_id = users::find_living_account(conn, user_id).await?;
        Ok(Intervention { operator, user_id, account_id, reason, form_id: None })
    }

    pub(super) async fn give(
        &self,
        operator: &Operator,
        id: UserId,
        form_id: FormId,
        amount: Nanos,
        days: Option<u32>,
        reason: &Reason,
    ) -> AppResult<()> {
        let mut conn = self.db.get().await?;
        let deed = self.intervention(&mut conn, operator, id, reason).await?;
        let deed = Intervention { form_id: Some(form_id), ..deed };
        let now = clock::now(&mut conn).await?;
        let expires_at = days.map(|days| now + TimeDelta::days(days.into()));
        told(operator_credit::give(&mut conn, deed, amount, expires_at).await?)
    }

    pub(super) async fn take(
        &self,
        operator: &Operator,
        id: UserId,
        form_id: FormId,
        amount: Nanos,
        reason: &Reason,
    ) -> AppResult<()> {
        let mut conn = self.db.get().await?;
        let deed = self.intervention(&mut conn, operator, id, reason).await?;
        let deed = Intervention { form_id: Some(form_id), ..deed };
        let monthly = self.plans.of_account(&conn, deed.account_id).await?.free_credit();
        told(operator_credit::take(&mut conn, deed, amount, monthly).await?)
    }

    pub(super) async fn suspend(
        &self,
        operator: &Operator,
        id: UserId,
        is_suspended: bool,
        reason: &Reason,
    ) -> AppResult<()> {
        let mut conn = self.db.get().await?;
        let deed = self.intervention(&mut conn, operator, id, reason).await?;
        match interventions::suspend(&mut conn, deed, is_suspended).await? {
            true => Ok(()),
            false => Err(ApiError::invalid("Somebody else has just done that.").into()),
        }
    }

    pub(super) async fn sign_out_person(
        &self,
        operator: &Operator,
        id: UserId,
        reason: &Reason,
    ) -> AppResult<()> {
        let mut conn = self.db.get().await?;
        let deed = self.intervention(&mut conn, operator, id, reason).await?;
        Ok(interventions::sign_out(&mut conn, deed).await?)
    }

    pub(super) async fn revoke_key(
        &self,
        operator: &Operator,
        id: UserId,
        key_id: ApiKeyId,
        reason: &Reason,
    ) -> AppResult<()> {
        let mut conn = self.db.get().await?;
        let deed = self.intervention(&mut conn, operator, id, reason).await?;
        let event = deed.event(AuditKind::ApiKeyRevoked);
        Ok(api_keys::revoke(&mut conn, deed.account_id, key_id, event).await?)
    }

    pub(super) async fn set_limits(
        &self,
        operator: &Operator,
        id: UserId,
        limits: Option<NewLimits>,
        reason: &Reason,
    ) -> AppResult<()> {
        let mut conn = self.db.get().await?;
        let deed = self.intervention(&mut conn, operator, id, reason).await?;
        let now = clock::now(&mut conn).await?;
        let limits = limits.map(|limits| LimitOverride {
            requests_per_minute: limits.requests_per_minute,
            requests_per_day: limits.requests_per_day,
            tokens_per_minute: limits.tokens_per_minute,
            concurrent_replies: limits.concurrent_replies,
            ends_at: now + TimeDelta::days(limits.days.into()),
        });
        Ok(interventions::override_limits(&mut conn, deed, limits).await?)
    }

    pub(super) async fn set_plan(
        &self,
        operator: &Operator,
        id: UserId,
        NewPlan { key, until }: NewPlan,
        reason: &Reason,
    ) -> AppResult<()> {
        let none = || ApiError::invalid("There is no such plan any more. Load the page again.");
        let plan = self.plans.find(&key).ok_or_else(none)?.clone();
        let mut conn = self.db.get().await?;
        let deed = self.intervention(&mut conn, operator, id, reason).await?;
        if until <= clock::now(&mut conn).await? {
            return Err(ApiError::invalid("This day is over (in UTC). Say a later one.").into());
        }
        let account = self.plans.of_account(&conn, deed.account_id).await?;
        let monthly = account.on(plan).free_credit();
        let row = PlanOverrideRow { plan: key, ends_at: until };
        Ok(plan_overrides::begin(&mut conn, deed, &row, monthly).await?)
    }

    pub(super) async fn end_plan(&self, operator: &Operator, id: UserId, reason: &Reason) -> AppResult<()> {
        let mut conn = self.db.get().await?;
        let deed = self.intervention(&mut conn, operator, id, reason).await?;
        Ok(plan_overrides::end(&mut conn, deed).await?)
    }

    pub(super) async fn bear(
        &self,
        operator: &Operator,
        id: UserId,
        days: u32,
        reason: &Reason,
    ) -> AppResult<()> {
        let mut conn = self.db.get().await?;
        let deed = self.intervention(&mut conn, operator, id, reason).await?;
        let standing = self.plans.of_account(&conn, deed.account_id).await?.standing;
        if !standing.needs_payment() {
            return Err(ApiError::invalid("No payment is due, so there is nothing to bear.").into());
        }
        let until = clock::now(&mut conn).await? + TimeDelta::days(days.into());
        let is_borne = matches!(standing, Standing::PastDue { grace_ends_at, .. } if grace_ends_at >= until);
        if is_borne || !interventions::extend_grace(&mut conn, deed, until).await? {
            let message = "The grace goes on for longer than that already. Say more days.";
            return Err(ApiError::invalid(message).into());
        }
        Ok(())
    }

    pub(super) async fn read_stripe_again(
        &self,
        operator: &Operator,
        id: UserId,
        reason: &Reason,
    ) -> AppResult<()> {
        let mut conn = self.db.get().await?;
        let deed = self.intervention(&mut conn, operator, id, reason).await?;
        let customer_id = accounts::find_customer(&mut conn, deed.account_id).await?;
        let none = || ApiError::invalid("This account has no customer at Stripe.");
        let job = SyncJob::of_customer(&customer_id.ok_or_else(none)?);
        Ok(interventions::enqueue(&mut conn, deed, AuditKind::ReadAgain, &job).await?)
    }

    pub(super) async fn visit(&self, operator: &Operator, id: UserId, reason: &Reason) -> AppResult<()> {
        if id == operator.user_id() {
            return Err(ApiError::invalid("This is you: there is nothing else to see.").into());
        }
        let mut conn = self.db.get().await?;
        let deed = self.intervention(&mut conn, operator, id, reason).await?;
        let until = clock::now(&mut conn).await? + LONGEST_VISIT;
        Ok(visits::begin(&mut conn, deed, Viewing { person: id, until }).await?)
    }
}

/// What the operator is told. A form that was sent twice is answered as the first time.
fn told(outcome: CreditOutcome) -> AppResult<()> {
    let message = match outcome {
        CreditOutcome::Done => return Ok(()),
        CreditOutcome::Short(free) => format!("Only {free} is free to be taken. Nothing was changed."),
        CreditOutcome::FormIsUsed => {
            "This form was sent before, with something else in it. Load the page again.".to_owned()
        }
    };
    Err(ApiError::invalid(message).into())
}
