use leptos::form::ActionForm;
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::{CapFields, ErrorNote, Icon, LoadError, SkeletonLines, Symbol, after_success};
use crate::api::{RemoveThreadCap, SetThreadCap, UsePlanThreadCap, read_thread_spending};
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
    let (set, remove) = (ServerAction::<SetThreadCap>::new(), ServerAction::<RemoveThreadCap>::new());
    let use_plan = ServerAction::<UsePlanThreadCap>::new();
    let done = move |text: &str| {
        toasts.show(Toast { text: text.to_owned(), is_error: false, undo: None });
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
    after_success(set, move || done("The cap is set."));
    after_success(remove, move || done("The cap is removed."));
    after_success(use_plan, move || done("Your plan's cap is set."));
    let error = Signal::derive(move || set.value().get().and_then(Result::err));
    let other_error = move || {
        let failed = remove.value().get().and_then(Result::err);
        failed
            .or_else(|| use_plan.value().get().and_then(Result::err))
            .map(|error| view! { <ErrorNote error/> })
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
    let remove_form = cap.map(|_| {
        view! {
            <ActionForm action=remove>
                <input type="hidden" name="id" value=id.to_string()/>
                <button type="submit" class="button">"Remove the cap"</button>
            </ActionForm>
        }
    });
    let plan_form = plan_cap.filter(|_| is_own).map(|cap| {
        view! {
            <ActionForm action=use_plan>
                <input type="hidden" name="id" value=id.to_string()/>
                <button type="submit" class="button">{format!("Use your plan's cap of {}", cap.limit)}</button>
            </ActionForm>
        }
    });
    view! {
        <dl class="facts facts-row">
            <div><dt>"Spent so far"</dt><dd data-testid="thread-used">{used.to_string()}</dd></div>
            {held}
        </dl>
        {plans_note}
        <div class="cap-forms">
            <ActionForm action=set>
                <input type="hidden" name="id" value=id.to_string()/>
                <CapFields prefix="thread-cap" label="Spend at most, in dollars" terms=cap error/>
                <button type="submit" class="button button-primary">
                    {if cap.is_some() { "Change the cap" } else { "Set a cap" }}
                </button>
            </ActionForm>
            {remove_form}
            {plan_form}
        </div>
        {other_error}
    }
}
