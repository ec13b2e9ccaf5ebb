//! Who is signed in.

use leptos::prelude::*;

use crate::api::{SignOut, SignOutEverywhere, read_user};
use crate::types::User;
use crate::{ApiError, ApiResult, browser};

#[derive(Clone, Copy)]
pub struct SessionContext {
    pub user: Resource<ApiResult<Option<User>>>,
    pub sign_out: ServerAction<SignOut>,
    pub sign_out_everywhere: ServerAction<SignOutEverywhere>,
}

pub fn provide_session() -> SessionContext {
    let session = SessionContext {
        user: Resource::new_blocking(|| (), |()| read_user()),
        sign_out: ServerAction::new(),
        sign_out_everywhere: ServerAction::new(),
    };
    Effect::new(move |_| leave_when_done(session.sign_out.value().get()));
    Effect::new(move |_| leave_when_done(session.sign_out_everywhere.value().get()));
    provide_context(session);
    session
}

pub fn use_session() -> SessionContext {
    expect_context()
}

/// Nothing of the person may stay behind, neither in memory nor in the tab's storage.
fn leave_when_done(result: Option<Result<(), ApiError>>) {
    if result == Some(Ok(())) {
        browser::drafts::forget_all();
        browser::load("/");
    }
}
