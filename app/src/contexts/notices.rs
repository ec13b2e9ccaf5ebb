//! What no mail could tell the signed-in person.

use leptos::prelude::*;

use super::SessionContext;
use super::kept::Kept;
use crate::api::list_notices;
use crate::types::Notice;

#[derive(Clone, Copy)]
pub struct NoticesContext {
    kept: Kept<Vec<Notice>>,
}

/// Loads with the page; without a session there are none.
pub fn provide_notices(session: SessionContext) {
    provide_context(NoticesContext { kept: Kept::of_session(session, list_notices) });
}

pub fn use_notices() -> NoticesContext {
    expect_context()
}

impl NoticesContext {
    /// Waits until `get` has an answer.
    pub async fn ready(self) {
        self.kept.ready().await;
    }

    /// Newest first. When they cannot be read there is nothing to show, and nothing is lost.
    pub fn get(self) -> Vec<Notice> {
        self.kept.get().and_then(Result::ok).unwrap_or_default()
    }

    pub fn reload(self) {
        self.kept.reload(list_notices());
    }
}
