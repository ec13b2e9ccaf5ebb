use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::hooks::use_navigate;

use super::{Icon, Symbol};
use crate::api::restore_thread;
use crate::browser;
use crate::contexts::{Toast, UndoDelete, use_toasts};
use crate::links::thread_path;

/// Shows the current short message until it is dismissed or replaced.
#[component]
pub fn Toaster() -> impl IntoView {
    let toasts = use_toasts();
    let navigate = use_navigate();
    let undo = move |undo: UndoDelete| {
        let navigate = navigate.clone();
        spawn_local(async move {
            match restore_thread(undo.thread.id).await {
                Ok(()) => {
                    toasts.dismiss();
                    let path = thread_path(undo.thread.id);
                    toasts.restored.set(Some(undo.thread));
                    if undo.was_open {
                        navigate(&path, Default::default());
                    }
                }
                // It can be tried again, as long as somebody knows what it was.
                Err(error) => {
                    toasts.show(Toast { text: error.to_string(), is_error: true, undo: Some(undo) })
                }
            }
        });
    };
    let toast = move || {
        let undo = undo.clone();
        toasts.current.get().map(|toast| {
            let undo_button = toast.undo.map(|what| view! {
                <button type="button" class="button button-small" id="undo-delete" data-testid="undo-delete" on:click=move |_| undo(what.clone())>
                    "Undo"
                </button>
            });
            view! {
                <div class="toast" data-kind=if toast.is_error { "error" } else { "plain" }>
                    <p>{toast.text}</p>
                    {undo_button}
                    <button type="button" class="icon-button" aria-label="Dismiss" on:click=move |_| toasts.dismiss()>
                        <Icon symbol=Symbol::Close/>
                    </button>
                </div>
            }
        })
    };
    Effect::new(move |_| {
        if toasts.current.with(|toast| toast.as_ref().is_some_and(|toast| toast.undo.is_some())) {
            browser::focus_later("undo-delete");
        }
    });
    view! { <div class="toaster" role="status">{toast}</div> }
}
