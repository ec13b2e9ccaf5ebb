//! What the signed-in person has left, kept up to date without a reload.

use std::time::Duration;

use chrono::TimeDelta;
use leptos::prelude::*;

use super::SessionContext;
use super::kept::Kept;
use crate::api::read_quota;
use crate::types::Quota;
use crate::{ApiError, ApiResult, browser, time};

#[derive(Clone, Copy)]
pub struct QuotaContext {
    kept: Kept<Quota>,
    /// What `get` last answered, for changes made outside the page's drawing.
    latest: StoredValue<Option<Quota>>,
}

/// Loads with the page; without a session there is no quota.
pub fn provide_quota(session: SessionContext) -> QuotaContext {
    let quota = QuotaContext { kept: Kept::of_session(session, read_quota), latest: StoredValue::new(None) };
    Effect::new(move |_| {
        if let Some(Ok(known)) = quota.get() {
            quota.read_again_when_it_changes(&known);
            quota.latest.set_value(Some(known));
        }
    });
    provide_context(quota);
    quota
}

pub fn use_quota() -> QuotaContext {
    expect_context()
}

impl QuotaContext {
    /// Waits until `get` has an answer. Awaited above everything that is only for signed-in people.
    pub async fn ready(self) {
        self.kept.ready().await;
    }

    /// The newest that is known; None without a session.
    pub fn get(self) -> Option<ApiResult<Quota>> {
        self.kept.get()
    }

    pub fn set(self, quota: Quota) {
        self.kept.set(quota);
    }

    /// A refusal says how things stand, too.
    pub fn learn_from(self, error: &ApiError) {
        let Some(mut quota) = self.latest.get_value() else { return };
        match error {
            ApiError::LimitReached { limit, .. } => {
                for known in quota.limits.iter_mut().filter(|known| known.name == limit.name) {
                    known.clone_from(limit);
                }
            }
            ApiError::OutOfCredit { credit } => quota.credit.clone_from(credit),
            ApiError::CapReached { cap } => {
                for known in quota.caps.iter_mut().filter(|known| known.thread_id() == cap.thread_id()) {
                    known.clone_from(cap);
                }
            }
            _ => return,
        }
        self.set(quota);
    }

    pub fn reload(self) {
        self.kept.reload(read_quota());
    }

    /// A counted request stops counting by itself, so the number on the page goes stale at a time we know.
    fn read_again_when_it_changes(self, quota: &Quota) {
        let now = browser::now();
        let next = quota
            .limits
            .iter()
            .filter_map(|limit| limit.resets_at)
            .filter(|at| *at > now - TimeDelta::minutes(1))
            .min();
        let Some(at) = next else { return };
        // At least two seconds, whatever the two clocks say.
        let wait = Duration::from_secs(time::seconds_until(at, now).unsigned_abs().clamp(1, 86_400) + 1);
        if let Ok(timer) = set_timeout_with_handle(move || self.reload(), wait) {
            on_cleanup(move || timer.clear());
        }
    }
}
