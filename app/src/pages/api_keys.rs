use leptos::prelude::*;

use crate::ApiResult;
use crate::api::{RevokeApiKey, list_api_keys};
use crate::browser;
use crate::components::{
    ActionError, ApiKeyForm, ApiKeyRows, ApiUsage, ErrorNote, KeyMaking, NewApiKeyNote, PageFrame,
    SignedInOnly, SkeletonLines, after_success,
};
use crate::contexts::use_session;
use crate::types::ApiKeyList;

/// The keys that programs call the API with.
#[component]
pub fn ApiKeysPage() -> impl IntoView {
    let making = KeyMaking::new();
    let revoke = ServerAction::<RevokeApiKey>::new();
    let versions = move || (making.action.version().get(), revoke.version().get());
    let list = use_session().resource(versions, |_| list_api_keys());
    view! { <SignedInOnly><Loaded list making revoke/></SignedInOnly> }
}

#[component]
fn Loaded(
    list: Resource<ApiResult<ApiKeyList>>,
    making: KeyMaking,
    revoke: ServerAction<RevokeApiKey>,
) -> impl IntoView {
    view! {
        <PageFrame title="API keys" class="page-narrow">
            <header class="page-head">
                <h1>"API keys"</h1>
                <p class="muted">"With a key, a program of yours asks the models as you do: within the same limits, from the same credit."</p>
            </header>
            <NewApiKeyNote making/>
            <section class="panel" aria-labelledby="create-heading">
                <div class="panel-head"><h2 id="create-heading">"Create a key"</h2></div>
                <ApiKeyForm making/>
            </section>
            <section class="panel" aria-labelledby="keys-heading">
                <div class="panel-head"><h2 id="keys-heading">"Your keys"</h2></div>
                <RevokeOutcome revoke/>
                <Transition fallback=|| view! { <SkeletonLines/> }>
                    {move || Suspend::new(async move {
                        match list.await {
                            Ok(list) => view! { <ApiKeyRows keys=list.keys revoke/> }.into_any(),
                            Err(error) => view! { <ErrorNote error/> }.into_any(),
                        }
                    })}
                </Transition>
            </section>
            <section class="panel api-usage" aria-labelledby="api-usage-heading">
                <h2 id="api-usage-heading">"How to call the API"</h2>
                <Transition fallback=|| view! { <SkeletonLines/> }>
                    {move || Suspend::new(async move {
                        // That it could not be loaded is said above.
                        list.await.ok().map(|list| view! { <ApiUsage base_url=list.base_url model=list.model/> })
                    })}
                </Transition>
            </section>
        </PageFrame>
    }
}

/// Says what became of a key that was to be revoked: its row, with the button that had the focus, is gone.
#[component]
fn RevokeOutcome(revoke: ServerAction<RevokeApiKey>) -> impl IntoView {
    const ID: &str = "revoke-outcome";
    let words = RwSignal::new("");
    after_success(revoke, move || {
        words.set("The key is revoked: it is refused from now on.");
        browser::focus_later(ID);
    });
    view! {
        <p class="key-outcome" id=ID role="status" tabindex="-1" data-testid="revoke-outcome">{words}</p>
        <ActionError action=revoke/>
    }
}
