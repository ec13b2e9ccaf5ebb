use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use super::ErrorPage;
use crate::contexts::{use_here, use_quota, use_session, use_standing};
use crate::links::sign_in_path;

/// Shows its children to a signed-in person; anyone else is led to the sign-in page, and back afterwards.
#[component]
pub fn SignedInOnly(children: ChildrenFn) -> impl IntoView {
    let (session, quota, standing) = (use_session(), use_quota(), use_standing());
    let children = StoredValue::new(children);
    view! {
        <Suspense fallback=|| view! { <main id="main" class="page" tabindex="-1" aria-busy="true"></main> }>
            {move || Suspend::new(async move {
                let user = session.user.await;
                quota.ready().await;
                standing.ready().await;
                match user {
                    Ok(Some(_)) => children.with_value(|children| children()).into_any(),
                    Ok(None) => view! { <GoToSignIn/> }.into_any(),
                    Err(error) => view! { <main id="main" class="page" tabindex="-1"><ErrorPage error/></main> }.into_any(),
                }
            })}
        </Suspense>
    }
}

#[component]
fn GoToSignIn() -> impl IntoView {
    let address = sign_in_path(&use_here().get_untracked());
    #[cfg(feature = "ssr")]
    leptos_axum::redirect(&address);
    let navigate = use_navigate();
    let target = address.clone();
    Effect::new(move |_| navigate(&target, NavigateOptions { replace: true, ..Default::default() }));
    view! {
        <main id="main" class="page" tabindex="-1">
            <h1>"Sign in to go on"</h1>
            <p><a href=address>"Go to the sign-in page"</a></p>
        </main>
    }
}
