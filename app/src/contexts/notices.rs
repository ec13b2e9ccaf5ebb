//! What no mail could tell the signed-in person.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::SessionContext;
use crate::ApiResult;
use crate::api::list_notices;
use crate::types::Notice;

#[derive(Clone, Copy)]
pub struct NoticesContext {
    loaded: Resource<ApiResult<Vec<Notice>>>,
    news: RwSignal<Option<Vec<Notice>>>,
}

/// Loads with the page; without a session there are none.
pub fn provide_notices(session: SessionContext) {
    let loaded = Resource::new_blocking(
        || (),
        move |()| async move {
            match session.user.await? {
                Some(_) => list_notices().await,
                None => Ok(vec![]),
            }
        },
    );
    provide_context(NoticesContext { loaded, news: RwSignal::new(None) });
}

pub fn use_notices() -> NoticesContext {
    expect_context()
}

impl NoticesContext {
    /// Waits until `get` has an answer.
    pub async fn ready(self) {
        _ = self.loaded.await;
    }

    /// Newest first. When they cannot be read there is nothing to show, and nothing is lost.
    pub fn get(self) -> Vec<Notice> {
        self.news.get().or_else(|| self.loaded.get().and_then(Result::ok)).unwrap_or_default()
    }

    pub fn reload(self) {
        spawn_local(async move {
            if let Ok(notices) = list_notices().await {
                self.news.set(Some(notices));
            }
        });
    }
}
