//! How the signed-in person stands with paying, kept up to date without a reload.

use leptos::prelude::*;

use super::SessionContext;
use super::coming_back::on_coming_back;
use super::kept::Kept;
use crate::ApiError;
use crate::api::read_standing;
use crate::types::Standing;

#[derive(Clone, Copy)]
pub struct StandingContext {
    kept: Kept<Standing>,
}

/// Loads with the page; without a session there is nothing to know.
pub fn provide_standing(session: SessionContext) -> StandingContext {
    let standing = StandingContext { kept: Kept::of_session(session, read_standing) };
    // It may have been paid in another tab, or an operator has lifted what closed it.
    let may_be_over = RwSignal::new(false);
    Effect::new(move |_| {
        let known = standing.get();
        may_be_over.set(known.needs_payment() || known == Standing::Suspended);
    });
    on_coming_back(move || {
        if may_be_over.get_untracked() {
            standing.reload();
        }
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
        self.kept.ready().await;
    }

    /// The newest that is known. When it cannot be read, nothing is claimed: each request is judged by the server anyway.
    pub fn get(self) -> Standing {
        self.kept.get().and_then(Result::ok).unwrap_or_default()
    }

    /// There are no replies.
    pub fn is_closed(self) -> bool {
        matches!(self.get(), Standing::Frozen { .. } | Standing::Suspended)
    }

    /// A refusal says how things stand, too.
    pub fn learn_from(self, error: &ApiError) {
        match error {
            ApiError::Frozen { since } => self.kept.set(Standing::Frozen { since: *since }),
            ApiError::Suspended => self.kept.set(Standing::Suspended),
            _ => {}
        }
    }

    pub fn reload(self) {
        self.kept.reload(read_standing());
    }
}
