//! How the signed-in person stands with paying, kept up to date without a reload.

use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::SessionContext;
use crate::api::read_standing;
use crate::types::Standing;
use crate::{ApiError, ApiResult};

#[derive(Clone, Copy)]
pub struct StandingContext {
    loaded: Resource<ApiResult<Standing>>,
    news: RwSignal<Option<Standing>>,
}

/// Loads with the page; without a session there is nothing to know.
pub fn provide_standing(session: SessionContext) -> StandingContext {
    let loaded = Resource::new_blocking(
        || (),
        move |()| async move {
            match session.user.await? {
                Some(_) => read_standing().await,
                None => Ok(Standing::Free),
            }
        },
    );
    let standing = StandingContext { loaded, news: RwSignal::new(None) };
    Effect::new(move |_| {
        // It may have been paid in another tab, or an operator has lifted what closed it.
        let back = window_event_listener(ev::focus, move |_| {
            let known = standing.get_untracked();
            if known.needs_payment() || known == Standing::Suspended {
                standing.reload();
            }
        });
        on_cleanup(move || back.remove());
    });
    provide_context(standing);
    standing
}

pub fn use_standing() -> StandingContext {
    expect_context()
}

impl StandingContext {
    /// Waits until `get` has an answer. Awaited above everything that is only for signed-in people.
    pub async fn ready(self) {
        _ = self.loaded.await;
    }

    /// The newest that is known. When it cannot be read, nothing is claimed: each request is judged by the server anyway.
    pub fn get(self) -> Standing {
        self.news.get().or_else(|| self.loaded.get().and_then(Result::ok)).unwrap_or_default()
    }

    fn get_untracked(self) -> Standing {
        untrack(move || self.get())
    }

    /// There are no replies.
    pub fn is_closed(self) -> bool {
        matches!(self.get(), Standing::Frozen { .. } | Standing::Suspended)
    }

    /// A refusal says how things stand, too.
    pub fn learn_from(self, error: &ApiError) {
        match error {
            ApiError::Frozen { since } => self.news.set(Some(Standing::Frozen { since: *since })),
            ApiError::Suspended => self.news.set(Some(Standing::Suspended)),
            _ => {}
        }
    }

    pub fn reload(self) {
        spawn_local(async move {
            if let Ok(standing) = read_standing().await {
                self.news.set(Some(standing));
            }
        });
    }
}
