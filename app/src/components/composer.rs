use leptos::html;
use leptos::prelude::*;
use leptos::{ev, web_sys};

use super::{Countdown, Icon, ModelPicker, PortalForm, Symbol};
use crate::browser;
use crate::components::refusal_note::RefusalNote;
use crate::contexts::{Activity, OpenConversation, use_clock, use_quota, use_standing};
use crate::types::{PortalPage, Prompt, PromptError, Quota, Standing};
use crate::wording::{left_sentence, used_up};

/// A browser that runs scripts reads the inside of `<noscript>` as text, so it must not be hydrated as elements.
const WITHOUT_SCRIPT: &str =
    "<p class=\"note\">Reading works without JavaScript; sending a message needs it.</p>";

/// Where the person writes. Enter sends, Shift and Enter break the line. A keyboard on the screen has no Shift and Enter:
/// there Enter breaks the line, and the button sends.
#[component]
pub fn Composer(conversation: OpenConversation) -> impl IntoView {
    // Known after the first render, which must equal the server's.
    let has_touch_only = RwSignal::new(false);
    Effect::new(move |_| has_touch_only.set(browser::has_touch_only()));
    let excess = Memo::new(move |_| conversation.draft.with(|draft| excess(draft)));
    let is_too_long = Memo::new(move |_| excess.get().is_some());
    let standing = use_standing();
    let is_closed = Memo::new(move |_| standing.is_closed());
    let on_submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        conversation.send();
        browser::focus("composer-input");
    };
    view! {
        <div class="composer-place">
            <RefusalNote conversation/>
            {move || is_closed.get().then(|| view! { <ClosedNote/> })}
            {move || is_too_long.get().then(|| view! { <Excess id="composer-excess" excess/> })}
            <form class="composer needs-script" on:submit=on_submit aria-label="Write a message">
                <TextField conversation is_too_long is_closed has_touch_only/>
                <div class="composer-foot">
                    <ModelPicker models=conversation.models/>
                    <SendOrStop conversation is_closed/>
                </div>
            </form>
            <noscript inner_html=WITHOUT_SCRIPT></noscript>
            <Hint has_touch_only/>
        </div>
    }
}

/// By how much the text is too long. That it is so is read out once, not anew with each key.
#[component]
pub(super) fn Excess(
    /// Of the sentence, by which its field is described.
    id: &'static str,
    excess: Memo<Option<PromptError>>,
) -> impl IntoView {
    let sentence = move || excess.get().map(|error| error.to_string());
    view! {
        <p class="note note-error" data-testid=id>
            <span class="visually-hidden" role="alert">"This message is too long."</span>
            <span id=id>{sentence}</span>
        </p>
    }
}

/// How much there is too much of a text.
pub(super) fn excess(text: &str) -> Option<PromptError> {
    Prompt::parse(text).err().filter(|error| matches!(error, PromptError::TooLong { .. }))
}

/// Why nothing can be sent. The field stays readable, so that what is in it can be copied.
#[component]
fn ClosedNote() -> impl IntoView {
    let standing = use_standing();
    let is_suspended = Memo::new(move |_| standing.get() == Standing::Suspended);
    let sentence = move || match is_suspended.get() {
        true => "There are no replies while your account is suspended. What you have written stays here.",
        false => "Replies are paused until your subscription is paid. What you have written stays here.",
    };
    view! {
        <div class="note note-error" data-testid="composer-closed">
            <Icon symbol=Symbol::Warning/>
            <p role="alert" id="composer-closed">{sentence}</p>
            {move || (!is_suspended.get()).then(|| view! {
                <PortalForm page=PortalPage::UnpaidInvoice label="Pay now" class="button button-small"/>
            })}
        </div>
    }
}

/// The text field. Its text is never part of the server's HTML: `<textarea>` content is not escaped there.
#[component]
fn TextField(
    conversation: OpenConversation,
    is_too_long: Memo<bool>,
    is_closed: Memo<bool>,
    has_touch_only: RwSignal<bool>,
) -> impl IntoView {
    let field = NodeRef::<html::Textarea>::new();
    let draft = conversation.draft;
    let was_alive = use_clock().is_alive();
    Effect::new(move |is_later: Option<bool>| {
        let Some(field) = field.get() else { return is_later.unwrap_or_default() };
        if is_later == Some(true) {
            show(&field, &draft.get());
            conversation.keep_draft();
        } else {
            // What was typed before the page came alive comes first, then what was kept in the tab.
            let typed = Some(field.value()).filter(|typed| !was_alive && !typed.is_empty());
            let text = typed.or_else(|| conversation.kept_draft()).unwrap_or_default();
            show(&field, &text);
            draft.set(text);
            draft.track();
            if !browser::has_touch_only() {
                _ = field.focus();
            }
        }
        true
    });
    let on_key = move |event: ev::KeyboardEvent| {
        if event.key() == "Enter" && !is_composing(&event) && sends(&event, has_touch_only.get_untracked()) {
            event.prevent_default();
            if !is_closed.get_untracked() {
                conversation.send();
            }
        }
    };
    let described_by = move || match (is_closed.get(), is_too_long.get()) {
        (true, _) => "composer-closed",
        (false, true) => "composer-excess composer-hint",
        (false, false) => "composer-hint",
    };
    view! {
        <textarea
            id="composer-input"
            class="composer-input"
            rows="1"
            placeholder="Write a message"
            aria-label="Message"
            aria-describedby=described_by
            readonly=is_closed
            aria-invalid=move || is_too_long.get().to_string()
            enterkeyhint=move || if has_touch_only.get() { "enter" } else { "send" }
            autocomplete="off"
            data-testid="composer-input"
            node_ref=field
            on:input=move |event| draft.set(event_target_value(&event))
            on:keydown=on_key
        ></textarea>
    }
}

/// Whether this Enter sends. A keyboard that hangs on a tablet has keys to say so.
pub(super) fn sends(event: &ev::KeyboardEvent, has_touch_only: bool) -> bool {
    if has_touch_only { event.ctrl_key() || event.meta_key() } else { !event.shift_key() }
}

/// While a word is being composed (Japanese, Chinese, …), keys belong to the input method.
pub(super) fn is_composing(event: &ev::KeyboardEvent) -> bool {
    event.is_composing() || event.key_code() == 229
}

/// Sets the text where it differs, and lets the field grow with it.
pub(super) fn show(field: &web_sys::HtmlTextAreaElement, text: &str) {
    if field.value() != text {
        field.set_value(text);
    }
    // Through the object model, which the content security policy allows, unlike a style attribute.
    let style = web_sys::HtmlElement::style(field);
    _ = style.set_property("height", "auto");
    _ = style.set_property("height", &format!("{}px", field.scroll_height()));
}

#[component]
fn SendOrStop(conversation: OpenConversation, is_closed: Memo<bool>) -> impl IntoView {
    let is_empty = move || conversation.draft.with(|draft| Prompt::parse(draft).is_err());
    let is_busy = move || conversation.is_waiting() || conversation.is_switching.get();
    let cannot_send = move || is_closed.get() || is_empty() || is_busy();
    let stop = move |_| {
        conversation.stop();
        browser::focus("composer-input");
    };
    let is_idle = Memo::new(move |_| conversation.is_idle());
    move || {
        if is_idle.get() {
            return view! {
                <button type="submit" class="send-button" aria-label="Send" title="Send" data-testid="composer-send"
                    disabled=cannot_send>
                    <Icon symbol=Symbol::Send/>
                </button>
            }
            .into_any();
        }
        let is_stopping = move || conversation.activity.get() == Activity::Stopping;
        view! {
            <button type="button" class="send-button" data-testid="composer-stop" title="Stop" disabled=is_stopping
                aria-label=move || if is_stopping() { "Stopping" } else { "Stop" } on:click=stop>
                <Icon symbol=Symbol::Stop/>
            </button>
        }
        .into_any()
    }
}

#[component]
fn Left(quota: Quota) -> impl IntoView {
    let resets_at = used_up(&quota).and_then(|limit| limit.resets_at);
    let next = resets_at.map(|at| view! { " · next fits " <Countdown at/> });
    view! { <span>{left_sentence(&quota)} {next}</span> }
}

/// What is left, where it matters, and what Enter does.
#[component]
fn Hint(has_touch_only: RwSignal<bool>) -> impl IntoView {
    let quota = use_quota();
    let keys = move || match has_touch_only.get() {
        true => "Enter breaks the line",
        false => "Enter sends, Shift+Enter breaks the line",
    };
    view! {
        <p class="composer-hint" id="composer-hint">
            {move || quota.get().and_then(Result::ok).map(|quota| view! { <Left quota/> })}
            <span class="hint-keys needs-script" data-testid="hint-keys">{keys}</span>
        </p>
    }
}
