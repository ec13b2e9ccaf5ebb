//! Deleting one's account: asked for, taken back, and done by a job when the time has come.

use app::api::ErasureApi;
use app::types::{AccountId, Actor, AuditKind, ErasureObstacle, ErasureTerms, SignedIn};
use app::{ApiError, ApiResult};
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::billing::Cashier;
use super::plans::Plans;
use super::switches::SwitchService;
use crate::error::reported;
use crate::store::audit::NewAuditEvent;
use crate::store::erasures::{self, AFTER_SUBSCRIPTION, Obstacle, Prospect, Readiness};
use crate::store::{Db, StoreError, accounts, threads};
use crate::{AppError, AppResult};

/// How long one can change one's mind.
const GRACE: TimeDelta = TimeDelta::days(14);

/// So many accounts are looked up at a time.
const BATCH: i64 = 100;

#[derive(Clone)]
pub(crate) struct ErasureService {
    db: Db,
    plans: Plans,
    /// None: payments are not set up.
    cashier: Option<Cashier>,
    switches: SwitchService,
}

impl ErasureService {
    pub(crate) fn new(db: Db, plans: Plans, cashier: Option<Cashier>, switches: SwitchService) -> Self {
        Self { db, plans, cashier, switches }
    }

    /// Erases the accounts whose time has come, one at a time. Those that must wait are looked at again the next time; of
    /// those that fail, the last error is the answer once the others are done.
    pub(crate) async fn erase_due(&self) -> AppResult<()> {
        let (mut after, mut failure) = (Uuid::nil(), None);
        loop {
            let due = erasures::list_due(&mut *self.db.get().await?, after, BATCH).await?;
            let Some(last) = due.last() else { break };
            after = last.0;
            for account_id in due {
                if self.switches.read().await.read_only {
                    // Nobody could keep their account now.
                    tracing::info!("No account is erased while changes are turned off");
                    return failure.map_or(Ok(()), Err);
                }
                if let Err(error) = self.erase(account_id).await {
                    tracing::warn!(account.id = %account_id, %error, "An account could not be erased yet");
                    failure = Some(error);
                }
            }
        }
        failure.map_or(Ok(()), Err)
    }

    /// The customer at Stripe goes first: after that, nothing personal comes back from there. Whoever dies in between leaves
    /// an account that is tried again, and finds its customer gone.
    async fn erase(&self, account_id: AccountId) -> AppResult<()> {
        if !self.is_ready(account_id).await? {
            return Ok(());
        }
        let customer_id = accounts::find_customer(&mut *self.db.get().await?, account_id).await?;
        let customer = match (&customer_id, &self.cashier) {
            (Some(customer_id), Some(cashier)) => Some((customer_id, cashier)),
            (Some(_), None) => {
                tracing::warn!(account.id = %account_id, "An account waits to be erased until Stripe can be asked");
                return Ok(());
            }
            (None, _) => None,
        };
        if let Some((customer_id, cashier)) = customer {
            // As it is now, not as a webhook has said it was.
            cashier.sync_if_known(customer_id).await?;
        }
        if !self.is_ready(account_id).await? {
            return Ok(());
        }
        if let Some((customer_id, cashier)) = customer {
            cashier.delete_customer(customer_id).await?;
        }
        let mut conn = self.db.get().await?;
        // First, and a few at a time: there may be years of them.
        while threads::erase_of_account(&mut conn, account_id, erasures::THREADS).await? > 0 {}
        if !erasures::erase(&mut conn, account_id, customer_id.as_deref()).await? {
            // Its customer is gone, so it is not left so until the next night.
            return Err(StoreError::Outdated.into());
        }
        tracing::info!(account.id = %account_id, "An account was erased");
        Ok(())
    }

    /// False: the account has to wait, or is not wanted erased any more.
    async fn is_ready(&self, account_id: AccountId) -> AppResult<bool> {
        let mut conn = self.db.get().await?;
        let Obstacle { reason, is_for_good } = match erasures::find_readiness(&mut conn, account_id).await? {
            Readiness::Ready => return Ok(true),
            Readiness::NotDue => return Ok(false),
            Readiness::Waits(obstacle) => obstacle,
        };
        tracing::info!(account.id = %account_id, reason, is_for_good, "An account is not erased");
        if is_for_good {
            let event = NewAuditEvent {
                account_id: Some(account_id),
                detail: &reason,
                ..NewAuditEvent::new(AuditKind::ErasureWithdrawn)
            };
            erasures::withdraw(&mut conn, account_id, event).await?;
        }
        Ok(false)
    }

    async fn read(&self, account_id: AccountId) -> AppResult<ErasureTerms> {
        let prospect = erasures::find(&mut *self.db.get().await?, account_id).await?;
        if let Some(erase_at) = prospect.erase_at {
            return Ok(ErasureTerms { is_requested: true, erase_at, obstacle: None });
        }
        Ok(match self.decide(&prospect) {
            Ok(erase_at) => ErasureTerms { is_requested: false, erase_at, obstacle: None },
            Err(obstacle) => {
                ErasureTerms { is_requested: false, erase_at: prospect.at + GRACE, obstacle: Some(obstacle) }
            }
        })
    }

    async fn request(&self, actor: &Actor, user: SignedIn) -> AppResult<()> {
        let event = NewAuditEvent::by_person(actor, user, AuditKind::ErasureRequested);
        let mut conn = self.db.get().await?;
        let decide = |prospect: &Prospect| self.decide(prospect);
        let asked = erasures::request(&mut conn, user.account_id, event, decide).await?;
        asked.map_err(|obstacle| AppError::from(ApiError::invalid(obstacle.to_string())))
    }

    async fn withdraw(&self, actor: &Actor, user: SignedIn) -> AppResult<()> {
        let event = NewAuditEvent::by_person(actor, user, AuditKind::ErasureWithdrawn);
        match erasures::withdraw(&mut *self.db.get().await?, user.account_id, event).await? {
            true => Ok(()),
            false => Err(ApiError::invalid("The day has come: your account is being erased.").into()),
        }
    }

    /// When an account is erased, whose person asks for it now.
    fn decide(&self, prospect: &Prospect) -> Result<DateTime<Utc>, ErasureObstacle> {
        if prospect.suspended_at.is_some() {
            return Err(ErasureObstacle::Suspended);
        }
        if prospect.is_operator {
            return Err(ErasureObstacle::Operator);
        }
        let earliest = prospect.at + GRACE;
        let Some(subscription) = prospect.subscription() else { return Ok(earliest) };
        match subscription.ends_at {
            Some(ends_at) => Ok(earliest.max(ends_at + AFTER_SUBSCRIPTION)),
            None => {
                let plan_key = subscription.plan.unwrap_or_default();
                Err(ErasureObstacle::Subscription { plan_name: self.plans.name_of(&plan_key) })
            }
        }
    }
}

#[async_trait]
impl ErasureApi for ErasureService {
    async fn read_erasure(&self, actor: &Actor) -> ApiResult<ErasureTerms> {
        let user = actor.reader()?;
        reported(actor, self.read(user.account_id)).await
    }

    async fn request_erasure(&self, actor: &Actor, is_confirmed: bool) -> ApiResult<()> {
        let user = actor.user()?;
        if !is_confirmed {
            return Err(ApiError::invalid("Tick the box to say that you mean it."));
        }
        reported(actor, self.request(actor, user)).await
    }

    async fn withdraw_erasure(&self, actor: &Actor) -> ApiResult<()> {
        let user = actor.user()?;
        reported(actor, self.withdraw(actor, user)).await
    }
}
