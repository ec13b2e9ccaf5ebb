use leptos::prelude::*;
use leptos::{ev, html};

use super::{CopyButton, ErrorNote, SubmitButton};
use crate::api::{CreateApiKey, PostedApiKey};
use crate::browser;
use crate::links::API_KEYS_PATH;
use crate::types::{ApiKeyName, CreatedApiKey, Nanos};
use crate::{ApiError, ApiResult};

/// Where the key is shown that was just made.
const NEW_KEY: &str = "new-key";

/// Making keys, and what came of it. Made once at the top of a page, like its resources.
#[derive(Clone, Copy)]
pub struct KeyMaking {
    pub action: ServerAction<CreateApiKey>,
    /// The last one. It stays until the page is left, for nothing else ever shows it.
    made: RwSignal<Option<CreatedApiKey>>,
    error: RwSignal<Option<ApiError>>,
    /// It is the cap that is wrong, not the name.
    is_about_cap: RwSignal<bool>,
}

impl KeyMaking {
    pub fn new() -> Self {
        let making = Self {
            action: ServerAction::new(),
            made: RwSignal::new(None),
            error: RwSignal::new(None),
            is_about_cap: RwSignal::new(false),
        };
        let posted = SharedValue::new(|| use_context::<PostedApiKey>().map(|PostedApiKey(answer)| answer));
        if let Some(answer) = posted.into_inner() {
            making.take(answer);
        }
        Effect::new(move |_| {
            if let Some(answer) = making.action.value().get() {
                if answer.is_ok() {
                    browser::focus_later(NEW_KEY);
                }
                making.take(answer);
            }
        });
        making
    }

    fn take(self, answer: ApiResult<CreatedApiKey>) {
        match answer {
            Ok(key) => {
                self.made.set(Some(key));
                self.error.set(None);
            }
            Err(error) => self.error.set(Some(error)),
        }
    }
}

/// Makes a key. Without JavaScript the form is sent to the page itself, whose answer shows the key.
#[component]
pub fn ApiKeyForm(making: KeyMaking) -> impl IntoView {
    let (field, cap_field) = (NodeRef::<html::Input>::new(), NodeRef::<html::Input>::new());
    let value =
        |field: NodeRef<html::Input>| field.get_untracked().map(|field| field.value()).unwrap_or_default();
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        // Pressed twice, it would make two.
        if !making.action.pending().get_untracked() {
            let (name, cap) = (value(field), value(cap_field));
            making.is_about_cap.set(!cap.trim().is_empty() && !is_cap(&cap));
            making.action.dispatch(CreateApiKey { name, cap: Some(cap) });
        }
    };
    Effect::new(move |_| {
        if making.made.get().is_some() {
            [field, cap_field]
                .into_iter()
                .filter_map(|field| field.get_untracked())
                .for_each(|field| field.set_value(""));
        }
    });
    let is_wrong = move |is_about_cap: bool| {
        (making.error.with(Option::is_some) && making.is_about_cap.get() == is_about_cap).to_string()
    };
    view! {
        <form method="post" action=API_KEYS_PATH class="key-form" on:submit=submit>
            <div class="field">
                <label for="key-name">"Its name, such as the program that will use it"</label>
                <input
                    id="key-name"
                    class="text-field"
                    name="name"
                    required
                    maxlength=ApiKeyName::MAX_CHARS.to_string()
                    autocomplete="off"
                    node_ref=field
                    aria-invalid=move || is_wrong(false)
                    aria-describedby="key-error"
                />
            </div>
            <div class="field key-cap-field">
                <label for="key-cap">"May cost at most, in dollars"</label>
                <input
                    id="key-cap"
                    class="text-field"
                    name="cap"
                    inputmode="decimal"
                    autocomplete="off"
                    placeholder="No cap"
                    node_ref=cap_field
                    aria-invalid=move || is_wrong(true)
                    aria-describedby="key-error"
                />
            </div>
            <SubmitButton label="Create a key" is_pending=making.action.pending() class="button button-primary"
                test_id=Some("create-key")/>
        </form>
        <div class="key-error" id="key-error">
            {move || making.error.get().map(|error| view! { <ErrorNote error/> })}
        </div>
    }
}

/// As the server judges it.
fn is_cap(amount: &str) -> bool {
    Nanos::parse_dollars(amount).is_ok_and(|limit| limit > Nanos::ZERO)
}

/// The key that was just made, this once.
#[component]
pub fn NewApiKeyNote(making: KeyMaking) -> impl IntoView {
    move || making.made.get().map(|key| view! { <NewKey key/> })
}

#[component]
fn NewKey(key: CreatedApiKey) -> impl IntoView {
    let CreatedApiKey { name, secret } = key;
    let copied = secret.clone();
    let text = Callback::new(move |()| copied.clone());
    view! {
        <section class="panel new-key" id=NEW_KEY tabindex="-1" aria-labelledby="new-key-heading" data-testid="new-key">
            <h2 id="new-key-heading">{format!("Your new key “{name}”")}</h2>
            <p>"Copy it now, and keep it where only your program can read it: it is not shown again."</p>
            <p class="secret"><code data-testid="new-key-secret">{secret}</code></p>
            <CopyButton text class="button" test_id="copy-key"/>
        </section>
    }
}
