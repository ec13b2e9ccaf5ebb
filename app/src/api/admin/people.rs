//! People and their accounts: what operators see of them, and do.

#[cfg(feature = "ssr")]
use chrono::{DateTime, Utc};
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use super::form::{parse_amount, parse_days, parse_last_day, parse_limits, parse_reason, required_days};
#[cfg(feature = "ssr")]
use super::{answer, operate};
use crate::ApiResult;
#[cfg(feature = "ssr")]
use crate::links::VISIT_PATH;
use crate::types::{ApiKeyId, EntryId, FormId, PeoplePage, PeopleQuery, Person, Statement, UserId};
#[cfg(feature = "ssr")]
use crate::types::{Nanos, Operator, Reason};

/// Limits in the place of the plan's, for some days. None: as the plan says.
#[cfg(feature = "ssr")]
#[derive(Clone, Copy, Debug)]
pub struct NewLimits {
    pub requests_per_minute: Option<u32>,
    pub requests_per_day: Option<u32>,
    pub tokens_per_minute: Option<u32>,
    pub concurrent_replies: Option<u32>,
    pub days: u32,
}

/// A plan in the place of the account's own, until a moment.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug)]
pub struct NewPlan {
    pub key: String,
    pub until: DateTime<Utc>,
}

/// What changes something leaves a row in the audit log, with the reason.
#[cfg(feature = "ssr")]
#[async_trait::async_trait]
pub trait PeopleApi: Send + Sync {
    async fn list(&self, operator: &Operator, query: PeopleQuery) -> ApiResult<PeoplePage>;
    async fn read(&self, operator: &Operator, id: UserId) -> ApiResult<Person>;
    /// The newest entries of the account's ledger, or those before one of them.
    async fn read_statement(
        &self,
        operator: &Operator,
        id: UserId,
        before: Option<EntryId>,
    ) -> ApiResult<Statement>;
    /// Gives credit that ends after so many days. None: never. Once for a form, however often it is sent.
    async fn give_credit(
        &self,
        operator: &Operator,
        id: UserId,
        form_id: FormId,
        amount: Nanos,
        days: Option<u32>,
        reason: Reason,
    ) -> ApiResult<()>;
    /// Takes credit that is free; invalid for more than that. Once for a form.
    async fn take_credit(
        &self,
        operator: &Operator,
        id: UserId,
        form_id: FormId,
        amount: Nanos,
        reason: Reason,
    ) -> ApiResult<()>;
    /// No replies from now on, or again.
    async fn set_suspended(
        &self,
        operator: &Operator,
        id: UserId,
        is_suspended: bool,
        reason: Reason,
    ) -> ApiResult<()>;
    /// In every browser.
    async fn sign_out(&self, operator: &Operator, id: UserId, reason: Reason) -> ApiResult<()>;
    /// Ends a key of the account; twice is as good as once.
    async fn revoke_api_key(
        &self,
        operator: &Operator,
        id: UserId,
        key_id: ApiKeyId,
        reason: Reason,
    ) -> ApiResult<()>;
    /// None: the plan's limits again.
    async fn override_limits(
        &self,
        operator: &Operator,
        id: UserId,
        limits: Option<NewLimits>,
        reason: Reason,
    ) -> ApiResult<()>;
    /// None: the account's own plan again. What is subscribed to at Stripe stays as it is; invalid for a plan there is not,
    /// and for a moment that is over.
    async fn override_plan(
        &self,
        operator: &Operator,
        id: UserId,
        plan: Option<NewPlan>,
        reason: Reason,
    ) -> ApiResult<()>;
    /// Lets replies go on for so many days though a payment is due; invalid when none is.
    async fn extend_grace(&self, operator: &Operator, id: UserId, days: u32, reason: Reason)
    -> ApiResult<()>;
    /// Has everything read from Stripe anew, within a moment.
    async fn resync(&self, operator: &Operator, id: UserId, reason: Reason) -> ApiResult<()>;
    /// Shows the product in this session as the person sees it, for half an hour; nothing can be changed meanwhile.
    async fn begin_visit(&self, operator: &Operator, id: UserId, reason: Reason) -> ApiResult<()>;
}

#[server(endpoint = "admin/people/list")]
pub async fn list_people(#[server(default)] query: PeopleQuery) -> ApiResult<PeoplePage> {
    let (backend, operator) = operate()?;
    answer(backend.people.list(&operator, query).await)
}

#[server(endpoint = "admin/people/read")]
pub async fn read_person(id: UserId) -> ApiResult<Person> {
    let (backend, operator) = operate()?;
    answer(backend.people.read(&operator, id).await)
}

#[server(endpoint = "admin/people/read_statement")]
pub async fn read_person_statement(id: UserId, before: Option<EntryId>) -> ApiResult<Statement> {
    let (backend, operator) = operate()?;
    answer(backend.people.read_statement(&operator, id, before).await)
}

/// `amount` is in dollars and `days` a number or nothing, as the operator wrote them.
#[server(endpoint = "admin/people/give_credit")]
pub async fn give_credit(
    id: UserId,
    form_id: FormId,
    amount: String,
    days: String,
    reason: String,
) -> ApiResult<()> {
    let (backend, operator) = operate()?;
    let (amount, days) = (answer(parse_amount(&amount))?, answer(parse_days(&days))?);
    let reason = answer(parse_reason(&reason))?;
    answer(backend.people.give_credit(&operator, id, form_id, amount, days, reason).await)
}

#[server(endpoint = "admin/people/take_credit")]
pub async fn take_credit(id: UserId, form_id: FormId, amount: String, reason: String) -> ApiResult<()> {
    let (backend, operator) = operate()?;
    let (amount, reason) = (answer(parse_amount(&amount))?, answer(parse_reason(&reason))?);
    answer(backend.people.take_credit(&operator, id, form_id, amount, reason).await)
}

#[server(endpoint = "admin/people/suspend")]
pub async fn suspend_person(id: UserId, reason: String) -> ApiResult<()> {
    let (backend, operator) = operate()?;
    answer(backend.people.set_suspended(&operator, id, true, answer(parse_reason(&reason))?).await)
}

#[server(endpoint = "admin/people/resume")]
pub async fn resume_person(id: UserId, reason: String) -> ApiResult<()> {
    let (backend, operator) = operate()?;
    answer(backend.people.set_suspended(&operator, id, false, answer(parse_reason(&reason))?).await)
}

#[server(endpoint = "admin/people/sign_out")]
pub async fn sign_out_person(id: UserId, reason: String) -> ApiResult<()> {
    let (backend, operator) = operate()?;
    answer(backend.people.sign_out(&operator, id, answer(parse_reason(&reason))?).await)
}

#[server(endpoint = "admin/people/revoke_api_key")]
pub async fn revoke_person_api_key(id: UserId, key_id: ApiKeyId, reason: String) -> ApiResult<()> {
    let (backend, operator) = operate()?;
    answer(backend.people.revoke_api_key(&operator, id, key_id, answer(parse_reason(&reason))?).await)
}

/// Numbers or nothing, as the operator wrote them.
#[server(endpoint = "admin/people/override_limits")]
pub async fn override_limits(
    id: UserId,
    per_minute: String,
    per_day: String,
    tokens: String,
    concurrent: String,
    days: String,
    reason: String,
) -> ApiResult<()> {
    let (backend, operator) = operate()?;
    let limits = answer(parse_limits([&per_minute, &per_day, &tokens, &concurrent], &days))?;
    answer(backend.people.override_limits(&operator, id, Some(limits), answer(parse_reason(&reason))?).await)
}

#[server(endpoint = "admin/people/end_override")]
pub async fn end_limit_override(id: UserId, reason: String) -> ApiResult<()> {
    let (backend, operator) = operate()?;
    answer(backend.people.override_limits(&operator, id, None, answer(parse_reason(&reason))?).await)
}

/// `plan` is a key, and `until` the last day.
#[server(endpoint = "admin/people/override_plan")]
pub async fn override_plan(id: UserId, plan: String, until: String, reason: String) -> ApiResult<()> {
    let (backend, operator) = operate()?;
    let plan = NewPlan { key: plan, until: answer(parse_last_day(&until))? };
    answer(backend.people.override_plan(&operator, id, Some(plan), answer(parse_reason(&reason))?).await)
}

#[server(endpoint = "admin/people/end_plan_override")]
pub async fn end_plan_override(id: UserId, reason: String) -> ApiResult<()> {
    let (backend, operator) = operate()?;
    answer(backend.people.override_plan(&operator, id, None, answer(parse_reason(&reason))?).await)
}

#[server(endpoint = "admin/people/extend_grace")]
pub async fn extend_grace(id: UserId, days: String, reason: String) -> ApiResult<()> {
    let (backend, operator) = operate()?;
    let (days, reason) = (answer(required_days(&days))?, answer(parse_reason(&reason))?);
    answer(backend.people.extend_grace(&operator, id, days, reason).await)
}

#[server(endpoint = "admin/people/resync")]
pub async fn resync_person(id: UserId, reason: String) -> ApiResult<()> {
    let (backend, operator) = operate()?;
    answer(backend.people.resync(&operator, id, answer(parse_reason(&reason))?).await)
}

#[server(endpoint = "admin/people/begin_visit")]
pub async fn begin_visit(id: UserId, reason: String) -> ApiResult<()> {
    let (backend, operator) = operate()?;
    answer(backend.people.begin_visit(&operator, id, answer(parse_reason(&reason))?).await)?;
    leptos_axum::redirect(VISIT_PATH);
    Ok(())
}
