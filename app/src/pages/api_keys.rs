use leptos::prelude::*;

use crate::ApiResult;
use crate::api::{RemoveCap, RevokeApiKey, SetCap, list_api_keys};
use crate::browser;
use crate::components::{
    ActionError, ApiKeyForm, ApiKeyRows, ApiUsage, CapDeed, ErrorNote, KeyMaking, NewApiKeyNote, PageFrame,
    SignedInOnly, SkeletonLines, after_success,
};
use crate::contexts::use_session;
use crate::types::ApiKeyList;

/// The keys that programs call the API with.
#[component]
pub fn ApiKeysPage() -> impl IntoView {
    let making = KeyMaking::new();
    let revoke = ServerAction::<RevokeApiKey>::new();
    let cap_deeds = RwSignal::new(Vec::new());
    let versions = move || (making.action.version().get(), revoke.version().get(), cap_deeds.with(Vec::len));
    let list = use_session().resource(versions, |_| list_api_keys());
    view! { <SignedInOnly><Loaded list making revoke cap_deeds/></SignedInOnly> }
}

#[component]
fn Loaded(
    list: Resource<ApiResult<ApiKeyList>>,
    making: KeyMaking,
    revoke: ServerAction<RevokeApiKey>,
    cap_deeds: RwSignal<Vec<CapDeed>>,
) -> impl IntoView {
    let on_cap = Callback::new(move |deed| cap_deeds.update(|deeds| deeds.push(deed)));
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
                <Outcome revoke cap_deeds/>
                <Transition fallback=|| view! { <SkeletonLines/> }>
                    {move || Suspend::new(async move {
                        match list.await {
                            Ok(list) => view! { <ApiKeyRows keys=list.keys revoke on_cap/> }.into_any(),
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

/// Says what became of a key that was to be revoked or got another cap: its row is gone or new, and with it the button that
/// had the focus.
#[component]
fn Outcome(revoke: ServerAction<RevokeApiKey>, cap_deeds: RwSignal<Vec<CapDeed>>) -> impl IntoView {
    const ID: &str = "key-outcome";
    let words = RwSignal::new("");
    let say = move |sentence| {
        words.set(sentence);
        browser::focus_later(ID);
    };
    after_success(revoke, move || say("The key is revoked: it is refused from now on."));
    Effect::new(move |_| {
        if let Some(deed) = cap_deeds.with(|deeds| deeds.last().copied()) {
            say(deed.sentence());
        }
    });
    // Of the forms without JavaScript: each row has its own, and nothing tells which of them it was.
    let (set, remove) = (ServerAction::<SetCap>::new(), ServerAction::<RemoveCap>::new());
    view! {
        <p class="key-outcome" id=ID role="status" tabindex="-1" data-testid="key-outcome">{words}</p>
        <ActionError action=revoke/>
        <ActionError action=set/>
        <ActionError action=remove/>
    }
}
