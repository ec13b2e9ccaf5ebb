use leptos::prelude::*;
use leptos_router::components::A;

use super::{Logo, QuotaMeter, ThemeSwitch, UserMenu};
use crate::contexts::{use_quota, use_session};
use crate::links::PRICING_PATH;
use crate::types::User;

/// The head of every page: where to go, what is left, who is signed in.
#[component]
pub fn SiteHeader() -> impl IntoView {
    let (session, quota) = (use_session(), use_quota());
    view! {
        <header class="site-header">
            <A href="/" attr:class="brand" attr:aria-label="Plumbline, front page">
                <Logo/>
                <span class="brand-name">"Plumbline"</span>
            </A>
            <Suspense fallback=|| ()>
                {move || Suspend::new(async move {
                    let user = session.user.await;
                    quota.ready().await;
                    match user {
                        Ok(Some(user)) => view! { <SignedInHeader user/> }.into_any(),
                        Ok(None) => view! { <SignedOutHeader/> }.into_any(),
                        Err(_) => view! { <div class="header-end"><ThemeSwitch/></div> }.into_any(),
                    }
                })}
            </Suspense>
        </header>
    }
}

#[component]
fn SignedInHeader(user: User) -> impl IntoView {
    view! {
        <nav class="site-nav" aria-label="Main">
            <A href="/chat">"Chat"</A>
            <A href="/usage">"Usage"</A>
        </nav>
        <div class="header-end">
            <QuotaMeter/>
            <ThemeSwitch/>
            <UserMenu user/>
        </div>
    }
}

#[component]
fn SignedOutHeader() -> impl IntoView {
    view! {
        <nav class="site-nav" aria-label="Main">
            <A href=PRICING_PATH>"Pricing"</A>
        </nav>
        <div class="header-end">
            <ThemeSwitch/>
            <A href="/sign-in" attr:class="button button-primary button-small">"Sign in"</A>
        </div>
    }
}
