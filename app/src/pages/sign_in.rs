use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::api::list_sign_in_methods;
use crate::components::{Icon, LoadError, Logo, PageFrame, Symbol};
use crate::contexts::use_session;
use crate::links::start_path;
use crate::types::{SignInError, SignInMethod};
use crate::wording::sign_in_error;

/// Where a person chooses how to sign in.
#[component]
pub fn SignInPage() -> impl IntoView {
    let query = use_query_map();
    let methods = Resource::new(|| (), |()| list_sign_in_methods());
    let return_to = Signal::derive(move || query.with(|query| query.get("return_to")));
    let failure = move || {
        query.with(|query| query.get("error")).map(|code| {
            view! {
                <p class="note note-error" role="alert">
                    <Icon symbol=Symbol::Warning/>
                    <span>{sign_in_error(SignInError::parse(&code))}</span>
                </p>
            }
        })
    };
    view! {
        <PageFrame title="Sign in" class="page-narrow sign-in">
            <div class="sign-in-card">
                <Logo/>
                <h1>"Sign in"</h1>
                <p class="muted">"Your first sign-in makes your account. There is no password to remember here."</p>
                {failure}
                <AlreadySignedIn/>
                <Suspense fallback=|| view! { <span class="skeleton skeleton-button" aria-hidden="true"></span> }>
                    {move || Suspend::new(async move {
                        match methods.await {
                            Ok(methods) if methods.is_empty() => view! { <NoMethods/> }.into_any(),
                            Ok(methods) => view! { <Methods methods return_to/> }.into_any(),
                            Err(error) => view! { <LoadError error/> }.into_any(),
                        }
                    })}
                </Suspense>
            </div>
        </PageFrame>
    }
}

#[component]
fn Methods(methods: Vec<SignInMethod>, return_to: Signal<Option<String>>) -> impl IntoView {
    let button = move |method: SignInMethod| {
        let key = method.key.clone();
        view! {
            <li>
                <a class="button button-wide button-large" href=move || start_path(&key, return_to.get().as_deref())
                    rel="external" data-testid=format!("sign-in-{}", method.key)>
                    {format!("Continue with {}", method.name)}
                </a>
            </li>
        }
    };
    view! { <ul class="sign-in-methods">{methods.into_iter().map(button).collect_view()}</ul> }
}

/// For the operator of a fresh installation.
#[component]
fn NoMethods() -> impl IntoView {
    view! {
        <div class="note" data-testid="no-sign-in-methods">
            <p>
                "No way to sign in is set up here yet. Whoever runs this site sets " <code>"OIDC_ISSUER"</code> " (or "
                <code>"GOOGLE_CLIENT_ID"</code> ", or " <code>"GITHUB_CLIENT_ID"</code>
                ") with its client id and secret, and starts the server again. docs/configuration.md explains each."
            </p>
        </div>
    }
}

#[component]
fn AlreadySignedIn() -> impl IntoView {
    let session = use_session();
    view! {
        <Suspense fallback=|| ()>
            {move || Suspend::new(async move {
                session.user.await.ok().flatten().map(|user| view! {
                    <p class="note">
                        {format!("You are signed in as {}. ", user.display_name)} <a href="/chat">"Go to your conversations"</a>
                    </p>
                })
            })}
        </Suspense>
    }
}
