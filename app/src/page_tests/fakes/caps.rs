//! Caps of which one is nearly spent and one is passed, and only warns.

use chrono::TimeDelta;

use super::{FINISHED_THREAD, now};
use crate::ApiResult;
use crate::api::CapsApi;
use crate::types::*;

pub fn monthly() -> Cap {
    let terms = CapTerms { limit: Nanos::from_cents(25), is_hard: true };
    let resets_at = now() + TimeDelta::days(12);
    Cap::new(CapScope::Monthly { is_own: true }, terms, Nanos::from_cents(21), Nanos::ZERO, Some(resets_at))
}

pub fn of_thread() -> Cap {
    let (thread_id, title) =
        (FINISHED_THREAD.parse().expect("an id"), "How a sliding window counts".to_owned());
    let terms = CapTerms { limit: Nanos::from_cents(1), is_hard: false };
    let scope = CapScope::Thread { thread_id, title, is_own: true, is_program: false };
    Cap::new(scope, terms, Nanos(12_345_000), Nanos::ZERO, None)
}

pub struct Fake;

#[async_trait::async_trait]
impl CapsApi for Fake {
    async fn set_cap(&self, _: &Actor, _: Option<ThreadId>, _: CapTerms) -> ApiResult<()> {
        Ok(())
    }

    async fn remove_cap(&self, _: &Actor, _: Option<ThreadId>) -> ApiResult<()> {
        Ok(())
    }

    async fn use_plan_cap(&self, _: &Actor, _: Option<ThreadId>) -> ApiResult<()> {
        Ok(())
    }

    async fn read_thread_spending(&self, _: &Actor, _: ThreadId) -> ApiResult<ThreadSpending> {
        let used = Nanos(12_345_000);
        Ok(ThreadSpending { used, held: Nanos::ZERO, cap: None, is_own: false, plan_cap: None })
    }

    async fn dismiss_alerts(&self, _: &Actor, _: Alert) -> ApiResult<()> {
        Ok(())
    }
}
