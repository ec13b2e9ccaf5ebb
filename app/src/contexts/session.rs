//! Who is signed in.

use std::sync::Arc;

use leptos::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

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

impl SessionContext {
    /// Whether an operator looks at the product as somebody else. To be asked where it is known who is signed in, as inside
    /// [`SignedInOnly`](crate::components::SignedInOnly).
    pub fn is_visit(self) -> bool {
        let user = self.user.get_untracked().and_then(Result::ok).flatten();
        user.is_some_and(|user| user.viewing.is_some())
    }

    /// What only a signed-in person can load. For anybody else the server is not even asked: its refusal would become
    /// the status of a page that is about to redirect.
    ///
    /// To be made at the top of a page, not inside a `Suspense`: both sides number resources in the order they are made.
    pub fn resource<S, T, F>(
        self,
        source: impl Fn() -> S + Send + Sync + 'static,
        load: impl Fn(S) -> F + Send + Sync + 'static,
    ) -> Resource<ApiResult<T>>
    where
        S: PartialEq + Clone + Send + Sync + 'static,
        T: Serialize + DeserializeOwned + Send + Sync + 'static,
        F: Future<Output = ApiResult<T>> + Send + 'static,
    {
        let load = Arc::new(load);
        Resource::new(source, move |input| {
            let load = Arc::clone(&load);
            async move {
                match self.user.await? {
                    Some(_) => load(input).await,
                    None => Err(ApiError::SignInRequired),
                }
            }
        })
    }

    /// The same for what only an operator can load.
    pub fn operator_resource<S, T, F>(
        self,
        source: impl Fn() -> S + Send + Sync + 'static,
        load: impl Fn(S) -> F + Send + Sync + 'static,
    ) -> Resource<ApiResult<T>>
    where
        S: PartialEq + Clone + Send + Sync + 'static,
        T: Serialize + DeserializeOwned + Send + Sync + 'static,
        F: Future<Output = ApiResult<T>> + Send + 'static,
    {
        let load = Arc::new(load);
        Resource::new(source, move |input| {
            let load = Arc::clone(&load);
            async move {
                match self.user.await? {
                    Some(user) if user.is_operator => load(input).await,
                    _ => Err(ApiError::NotFound),
                }
            }
        })
    }
}

/// Nothing of the person may stay behind, neither in memory nor in the tab's storage.
fn leave_when_done(result: Option<Result<(), ApiError>>) {
    if result == Some(Ok(())) {
        browser::drafts::forget_all();
        // The router goes there, too, and makes an entry of its own.
        browser::replace("/");
    }
}
