use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::{CapDeed, CapForms, ErrorNote, Icon, LoadError, SkeletonLines, Symbol};
use crate::api::read_thread_spending;
use crate::contexts::{OpenConversation, Toast, use_quota, use_toasts};
use crate::types::{Nanos, ThreadId, ThreadSpending};
use crate::{ApiError, ApiResult};

/// Opens what the conversation has cost, and its cap. A conversation that has not begun has neither.
#[component]
pub fn ThreadSpendingButton(conversation: OpenConversation) -> impl IntoView {
    let has_begun = Memo::new(move |_| conversation.thread.with(Option::is_some));
    move || {
        has_begun.get().then(|| {
            view! {
                <button
                    type="button"
                    class="button button-small needs-script"
                    aria-haspopup="dialog"
                    data-testid="thread-spending-button"
                    on:click=move |_| conversation.shows_spending.set(true)
                >
                    "Spending"
                </button>
            }
        })
    }
}

/// Shown while `conversation.shows_spending` says so.
#[component]
pub fn ThreadSpendingDialog(conversation: OpenConversation) -> impl IntoView {
    move || {
        let is_open = conversation.shows_spending.get();
        let thread = conversation.thread.get_untracked().filter(|_| is_open);
        thread.map(|thread| view! { <Dialog id=thread.id conversation/> })
    }
}

#[component]
fn Dialog(id: ThreadId, conversation: OpenConversation) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    Effect::new(move |_| {
        if let Some(dialog) = dialog.get() {
            // A moment later: only then does it stand in the page.
            request_animation_frame(move || _ = dialog.show_modal());
        }
    });
    // The browser gives the focus back to the button that opened it.
    let close = Callback::new(move |()| {
        if let Some(dialog) = dialog.get_untracked() {
            dialog.close();
        }
    });
    let loaded = RwSignal::new(None::<ApiResult<ThreadSpending>>);
    let load = move || {
        loaded.set(None);
        spawn_local(async move {
            let result = read_thread_spending(id).await;
            _ = loaded.try_set(Some(result));
        });
    };
    Effect::new(move |_| load());
    let content = move || match loaded.get() {
        None => view! { <SkeletonLines/> }.into_any(),
        Some(Err(error @ ApiError::SignInRequired)) => view! { <LoadError error/> }.into_any(),
        Some(Err(error)) => view! {
            <ErrorNote error/>
            <button type="button" class="button" on:click=move |_| load()>"Try again"</button>
        }
        .into_any(),
        Some(Ok(spending)) => view! { <Spending spending id conversation close/> }.into_any(),
    };
    view! {
        <dialog
            node_ref=dialog
            class="dialog"
            aria-labelledby="thread-spending-heading"
            data-testid="thread-spending"
            on:close=move |_| conversation.shows_spending.set(false)
        >
            <div class="dialog-head">
                <h2 id="thread-spending-heading">"Spending in this conversation"</h2>
                <button type="button" class="icon-button" aria-label="Close" on:click=move |_| close.run(())>
                    <Icon symbol=Symbol::Close/>
                </button>
            </div>
            {content}
        </dialog>
    }
}

#[component]
fn Spending(
    spending: ThreadSpending,
    id: ThreadId,
    conversation: OpenConversation,
    close: Callback<()>,
) -> impl IntoView {
    let (quota, toasts) = (use_quota(), use_toasts());
    let done = move |deed: CapDeed| {
        toasts.show(Toast { text: deed.sentence().to_owned(), is_error: false, undo: None });
        let is_outdated = |error: &ApiError| matches!(error, ApiError::CapReached { .. });
        if conversation
            .refusal
            .with_untracked(|refusal| refusal.as_ref().is_some_and(|refusal| is_outdated(&refusal.error)))
        {
            conversation.refusal.set(None);
        }
        quota.reload();
        close.run(());
    };
    let ThreadSpending { used, held, cap, is_own, plan_cap } = spending;
    let plans_note = cap.filter(|_| !is_own).map(|cap| {
        let limit = cap.limit;
        view! { <p class="limit-note">{format!("Your plan has a cap of {limit} for each conversation.")}</p> }
    });
    let held = (held > Nanos::ZERO).then(|| {
        view! {
            <div><dt>"Held for replies in progress"</dt><dd>{held.to_string()}</dd></div>
        }
    });
    let plan_limit = plan_cap.filter(|_| is_own).map(|cap| cap.limit);
    view! {
        <dl class="facts facts-row">
            <div><dt>"Spent so far"</dt><dd data-testid="thread-used">{used.to_string()}</dd></div>
            {held}
        </dl>
        {plans_note}
        <CapForms thread_id=Some(id) prefix="thread-cap" label="Spend at most, in dollars" terms=cap plan_limit on_done=done/>
    }
}
