//! The admin panel: one trait an area, for operators only. Endpoints begin with `admin/`.

mod audit;
mod figures;
#[cfg(feature = "ssr")]
mod form;
mod jobs;
mod people;
mod providers;
mod stripe;
mod system;

pub use audit::{ListAuditEvents, list_audit_events};
pub use figures::{ReadOverview, ReportVolume, read_overview, report_volume};
pub use jobs::{DiscardJob, ListJobs, RetryJob, discard_job, list_jobs, retry_job};
pub use people::{
    BeginVisit, EndLimitOverride, EndPlanOverride, ExtendGrace, GiveCredit, ListPeople, OverrideLimits,
    OverridePlan, ReadPerson, ReadPersonStatement, ResumePerson, ResyncPerson, RevokePersonApiKey,
    SignOutPerson, SuspendPerson, TakeCredit, begin_visit, end_limit_override, end_plan_override,
    extend_grace, give_credit, list_people, override_limits, override_plan, read_person,
    read_person_statement, resume_person, resync_person, revoke_person_api_key, sign_out_person,
    suspend_person, take_credit,
};
pub use providers::{
    AddModelPrices, CloseRoute, MoveModelUp, MoveRouteUp, ReadProviders, ReopenRoute, SetModelOff,
    SetRouteCosts, WithdrawModelPrices, add_model_prices, close_route, move_model_up, move_route_up,
    read_providers, reopen_route, set_model_off, set_route_costs, withdraw_model_prices,
};
pub use stripe::{
    ListStripeEvents, ReadStripeEvent, ReadStripeReport, ReconcileWithStripe, ReplayStripeEvent, ResendUsage,
    list_stripe_events, read_stripe_event, read_stripe_report, reconcile_with_stripe, replay_stripe_event,
    resend_usage,
};
pub use system::{ReadSystem, SetSwitch, read_system, set_switch};

#[cfg(feature = "ssr")]
pub use self::{
    audit::AuditLogApi, figures::FiguresApi, jobs::JobsApi, people::NewLimits, people::NewPlan,
    people::PeopleApi, providers::ProvidersApi, server_side::AdminBackend, stripe::StripeApi,
    system::SystemApi,
};
#[cfg(feature = "ssr")]
use server_side::{answer, operate};

#[cfg(feature = "ssr")]
mod server_side {
    use std::sync::Arc;

    use super::{AuditLogApi, FiguresApi, JobsApi, PeopleApi, ProvidersApi, StripeApi, SystemApi};
    use crate::ApiResult;
    use crate::api::{Content, call, send};
    use crate::types::Operator;

    /// The backend's part for operators.
    #[derive(Clone)]
    pub struct AdminBackend {
        pub audit: Arc<dyn AuditLogApi>,
        pub figures: Arc<dyn FiguresApi>,
        pub jobs: Arc<dyn JobsApi>,
        pub people: Arc<dyn PeopleApi>,
        pub providers: Arc<dyn ProvidersApi>,
        pub stripe: Arc<dyn StripeApi>,
        pub system: Arc<dyn SystemApi>,
    }

    /// That part, and the operator who is asking.
    ///
    /// # Errors
    /// Nobody is signed in, or somebody who is no operator: the panel does not say that it exists.
    pub(super) fn operate() -> ApiResult<(AdminBackend, Operator)> {
        let (backend, actor) = call()?;
        let operator = send(actor.operator())?;
        Ok((backend.admin, operator))
    }

    /// Gives an error its status, and keeps what people write from operators.
    pub(super) fn answer<T: Content>(result: ApiResult<T>) -> ApiResult<T> {
        send(result).map(T::without_content)
    }
}
