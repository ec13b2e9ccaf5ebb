//! People and their accounts, as operators see them.

use app::ApiResult;
use app::api::admin::{NewLimits, NewPlan, PeopleApi};
use app::types::{
    AccountId, ApiKey, ApiKeyId, AuditQuery, EntryId, FormId, LiveGrant, Nanos, OpenHold, Operator,
    PeoplePage, PeopleQuery, Person, PersonSummary, Reason, Statement, UserId,
};
use async_trait::async_trait;
use uuid::Uuid;

use super::page;
use crate::AppResult;
use crate::books::{Grant, Hold};
use crate::error::reported;
use crate::services::account::AccountService;
use crate::services::api_keys::MOST_KEYS;
use crate::services::billing::BillingService;
use crate::services::notices::NoticeService;
use crate::services::plans::{Plans, standing_at};
use crate::services::quota::QuotaService;
use crate::services::usage::{STATEMENT_PAGE, UsageService, entry_reason};
use crate::store::people::{self, PersonRow};
use crate::store::statement::Subject;
use crate::store::{Db, account_books, accounts, api_keys, audit, failed_replies, threads, users};

/// Of a person's page: how many of the newest of each are shown.
const THREADS: i64 = 20;
const AUDIT_EVENTS: i64 = 20;
const FAILED_REPLIES: i64 = 20;
/// All that work, and as many that do not.
const API_KEYS: i64 = 2 * MOST_KEYS;

#[derive(Clone)]
pub struct PeopleService {
    pub(super) db: Db,
    pub(super) plans: Plans,
    account: AccountService,
    billing: BillingService,
    notices: NoticeService,
    quota: QuotaService,
    usage: UsageService,
}

/// What the service is made of.
pub struct PeopleParts {
    pub db: Db,
    pub plans: Plans,
    pub account: AccountService,
    pub billing: BillingService,
    pub notices: NoticeService,
    pub quota: QuotaService,
    pub usage: UsageService,
}

impl PeopleService {
    pub fn new(parts: PeopleParts) -> Self {
        let PeopleParts { db, plans, account, billing, notices, quota, usage } = parts;
        Self { db, plans, account, billing, notices, quota, usage }
    }

    async fn page(&self, query: PeopleQuery) -> AppResult<PeoplePage> {
        let rows = people::list(&mut *self.db.get().await?, &query, page::READ).await?;
        let (rows, next) = page::cut(rows, |row| row.place(query.sort));
        let people = rows.into_iter().map(|row| self.to_summary(row)).collect();
        Ok(PeoplePage { people, next, plans: self.plan_names() })
    }

    /// Key and name of each.
    fn plan_names(&self) -> Vec<(String, String)> {
        self.plans.list().into_iter().map(|plan| (plan.key, plan.name)).collect()
    }

    fn to_summary(&self, row: PersonRow) -> PersonSummary {
        PersonSummary {
            standing: standing_at(row.dunning().as_ref(), row.grace_until, row.at),
            plan_name: self.plans.name_of(&row.plan),
            spent_this_month: row.spent_this_month(),
            balance: Nanos(row.posted_nanos),
            id: UserId(row.id),
            display_name: row.display_name,
            email: row.email,
            is_operator: row.is_operator,
            is_suspended: row.is_suspended,
            last_seen_at: row.last_seen_at,
            created_at: row.created_at,
            erase_at: row.erase_at,
            erased_at: row.erased_at,
        }
    }

    async fn person(&self, operator: &Operator, id: UserId) -> AppResult<Person> {
        let mut conn = self.db.get().await?;
        let row = people::find(&mut conn, id).await?;
        let account_id = AccountId(row.account_id);
        let user = users::find(&mut conn, id).await?;
        let account = self.plans.of_account(&conn, account_id).await?;
        let (grants, holds) = account_books::read_open(&mut conn, account_id).await?;
        let of_person = AuditQuery { person: Some(id), ..AuditQuery::default() };
        let audit = audit::list(&mut conn, of_person, AUDIT_EVENTS).await?;
        let threads = threads::list_facts(&mut conn, account_id, THREADS).await?;
        let failed_replies = failed_replies::list(&mut conn, account_id, FAILED_REPLIES).await?;
        let api_keys = api_keys::list_with_revoked(&mut conn, account_id, API_KEYS).await?;
        let customer_id = accounts::find_customer(&mut conn, account_id).await?;
        drop(conn);
        Ok(Person {
            summary: self.to_summary(row),
            account_id,
            has_verified_email: user.has_verified_email,
            providers: user.providers,
            customer_page: customer_id.as_deref().and_then(|id| self.billing.customer_page(id)),
            customer_id,
            suspended_at: account.suspended_at,
            grace_until: account.grace_until,
            billing: self.billing.read(account_id).await?,
            quota: self.quota.of_account(account_id).await?,
            limit_override: account.limit_override,
            plans: self.plan_names(),
            grants: grants.into_iter().map(|grant| to_live_grant(grant, &holds)).collect(),
            holds: holds.iter().map(to_open_hold).collect(),
            sessions: self.account.sessions_of(id, operator.session_id()).await?,
            threads,
            // What they are called is the person's own words, which operators do not read.
            api_keys: api_keys.into_iter().map(|key| ApiKey { name: String::new(), ..key }).collect(),
            failed_replies,
            notices: self.notices.told(account_id).await?,
            audit,
            form_id: FormId(Uuid::now_v7()),
        })
    }

    async fn statement(&self, id: UserId, before: Option<EntryId>) -> AppResult<Statement> {
        let account_id = users::find_account(&mut *self.db.get().await?, id).await?;
        self.usage.statement(account_id, before, STATEMENT_PAGE).await
    }
}

fn to_live_grant(grant: Grant, holds: &[Hold]) -> LiveGrant {
    let allocations = holds.iter().flat_map(|hold| &hold.allocations);
    let of_grant = allocations.filter(|allocation| allocation.grant_id == grant.id);
    LiveGrant {
        held: of_grant.map(|allocation| allocation.amount).sum(),
        reason: entry_reason(&grant.cause, Subject::default()),
        cause: grant.cause,
        amount: grant.amount,
        remaining: grant.remaining,
        expires_at: grant.expires_at,
    }
}

fn to_open_hold(hold: &Hold) -> OpenHold {
    OpenHold { generation_id: hold.id, amount: hold.amount, expires_at: hold.expires_at }
}

#[async_trait]
impl PeopleApi for PeopleService {
    async fn list(&self, operator: &Operator, query: PeopleQuery) -> ApiResult<PeoplePage> {
        reported(operator.actor(), self.page(query)).await
    }

    async fn read(&self, operator: &Operator, id: UserId) -> ApiResult<Person> {
        reported(operator.actor(), self.person(operator, id)).await
    }

    async fn read_statement(
        &self,
        operator: &Operator,
        id: UserId,
        before: Option<EntryId>,
    ) -> ApiResult<Statement> {
        reported(operator.actor(), self.statement(id, before)).await
    }

    async fn give_credit(
        &self,
        operator: &Operator,
        id: UserId,
        form_id: FormId,
        amount: Nanos,
        days: Option<u32>,
        reason: Reason,
    ) -> ApiResult<()> {
        reported(operator.actor(), self.give(operator, id, form_id, amount, days, &reason)).await
    }

    async fn take_credit(
        &self,
        operator: &Operator,
        id: UserId,
        form_id: FormId,
        amount: Nanos,
        reason: Reason,
    ) -> ApiResult<()> {
        reported(operator.actor(), self.take(operator, id, form_id, amount, &reason)).await
    }

    async fn set_suspended(
        &self,
        operator: &Operator,
        id: UserId,
        is_suspended: bool,
        reason: Reason,
    ) -> ApiResult<()> {
        reported(operator.actor(), self.suspend(operator, id, is_suspended, &reason)).await
    }

    async fn sign_out(&self, operator: &Operator, id: UserId, reason: Reason) -> ApiResult<()> {
        reported(operator.actor(), self.sign_out_person(operator, id, &reason)).await
    }

    async fn revoke_api_key(
        &self,
        operator: &Operator,
        id: UserId,
        key_id: ApiKeyId,
        reason: Reason,
    ) -> ApiResult<()> {
        reported(operator.actor(), self.revoke_key(operator, id, key_id, &reason)).await
    }

    async fn override_limits(
        &self,
        operator: &Operator,
        id: UserId,
        limits: Option<NewLimits>,
        reason: Reason,
    ) -> ApiResult<()> {
        reported(operator.actor(), self.set_limits(operator, id, limits, &reason)).await
    }

    async fn override_plan(
        &self,
        operator: &Operator,
        id: UserId,
        plan: Option<NewPlan>,
        reason: Reason,
    ) -> ApiResult<()> {
        let changed = async {
            match plan {
                Some(plan) => self.set_plan(operator, id, plan, &reason).await,
                None => self.end_plan(operator, id, &reason).await,
            }
        };
        reported(operator.actor(), changed).await
    }

    async fn extend_grace(
        &self,
        operator: &Operator,
        id: UserId,
        days: u32,
        reason: Reason,
    ) -> ApiResult<()> {
        reported(operator.actor(), self.bear(operator, id, days, &reason)).await
    }

    async fn resync(&self, operator: &Operator, id: UserId, reason: Reason) -> ApiResult<()> {
        reported(operator.actor(), self.read_stripe_again(operator, id, &reason)).await
    }

    async fn begin_visit(&self, operator: &Operator, id: UserId, reason: Reason) -> ApiResult<()> {
        reported(operator.actor(), self.visit(operator, id, &reason)).await
    }
}
