use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::{ev, html};
use leptos_router::hooks::use_navigate;

use super::{Icon, Symbol};
use crate::api::{delete_thread, rename_thread};
use crate::browser;
use crate::contexts::{Threads, Toast, ToastContext, UndoDelete, use_threads, use_toasts};
use crate::links::thread_path;
use crate::types::{FoundThread, ThreadId, Title};

/// One conversation in the list: opens it, renames it, deletes it.
#[component]
pub fn ThreadItem(
    found: FoundThread,
    current: Signal<Option<ThreadId>>,
    on_choose: Callback<()>,
) -> impl IntoView {
    let FoundThread { thread, snippet } = found;
    let (threads, toasts) = (use_threads(), use_toasts());
    let navigate = use_navigate();
    let is_renaming = RwSignal::new(false);
    let id = thread.id;
    let is_current = Memo::new(move |_| current.get() == Some(id));
    let title = thread.title.clone();
    let rename = Callback::new(move |new: String| {
        is_renaming.set(false);
        rename_to(threads, toasts, id, title.clone(), new);
        browser::focus_later(&format!("thread-{id}"));
    });
    let cancel = Callback::new(move |()| {
        is_renaming.set(false);
        browser::focus_later(&format!("thread-{id}"));
    });
    let title = thread.title.clone();
    let delete = move |_| {
        let was_open = is_current.get_untracked();
        delete_with_undo(threads, toasts, UndoDelete { thread: thread.clone(), was_open });
        if was_open {
            navigate("/chat", Default::default());
        }
    };
    let content = move || {
        let (title, delete, snippet) = (title.clone(), delete.clone(), snippet.clone());
        if is_renaming.get() {
            return view! { <RenameField title on_done=rename on_cancel=cancel/> }.into_any();
        }
        let (rename_label, delete_label) = (format!("Rename {title}"), format!("Delete {title}"));
        view! {
            <a
                class="thread-link"
                id=format!("thread-{id}")
                href=thread_path(id)
                data-testid="thread-link"
                aria-current=move || is_current.get().then_some("page")
                on:click=move |_| on_choose.run(())
            >
                <span class="thread-title">{title}</span>
                {snippet.map(|snippet| view! { " " <span class="thread-snippet" data-testid="thread-snippet">{snippet}</span> })}
            </a>
            <span class="thread-actions needs-script">
                <button type="button" class="icon-button" aria-label=rename_label title="Rename" data-testid="rename-thread"
                    on:click=move |_| is_renaming.set(true)>
                    <Icon symbol=Symbol::Pencil/>
                </button>
                <button type="button" class="icon-button" aria-label=delete_label title="Delete" data-testid="delete-thread"
                    on:click=delete>
                    <Icon symbol=Symbol::Bin/>
                </button>
            </span>
        }
        .into_any()
    };
    view! { <li class="thread">{content}</li> }
}

/// Enter or leaving the field saves, Escape does not.
#[component]
fn RenameField(title: String, on_done: Callback<String>, on_cancel: Callback<()>) -> impl IntoView {
    let field = NodeRef::<html::Input>::new();
    let is_done = StoredValue::new(false);
    let save = move || {
        // Taking the focused field out of the page blurs it, when its signals may be gone already.
        if is_done.try_get_value() == Some(false) {
            is_done.set_value(true);
            on_done.run(field.get_untracked().map(|field| field.value()).unwrap_or_default());
        }
    };
    let on_key = move |event: ev::KeyboardEvent| match event.key().as_str() {
        "Enter" if !event.is_composing() => save(),
        "Escape" => {
            event.stop_propagation();
            is_done.set_value(true);
            on_cancel.run(());
        }
        _ => {}
    };
    Effect::new(move |_| {
        if let Some(field) = field.get() {
            // A moment later: only then does the field stand in the page.
            request_animation_frame(move || {
                _ = field.focus();
                field.select();
            });
        }
    });
    view! {
        <input
            class="rename-field"
            aria-label="New name"
            maxlength=Title::MAX_CHARS.to_string()
            node_ref=field
            value=title
            on:keydown=on_key
            on:blur=move |_| save()
        />
    }
}

fn rename_to(threads: Threads, toasts: ToastContext, id: ThreadId, old: String, new: String) {
    let Some(new) = Title::parse(&new).map(Title::into_string).filter(|new| *new != old) else { return };
    threads.rename(id, &new);
    spawn_local(async move {
        if let Err(error) = rename_thread(id, new).await {
            threads.rename(id, &old);
            toasts.show_error(&error);
        }
    });
}

fn delete_with_undo(threads: Threads, toasts: ToastContext, undo: UndoDelete) {
    let id = undo.thread.id;
    threads.remove(id);
    spawn_local(async move {
        match delete_thread(id).await {
            Ok(()) => {
                let text = format!("Deleted “{}”.", undo.thread.title);
                toasts.show(Toast { text, is_error: false, undo: Some(undo) });
            }
            Err(error) => {
                threads.put(undo.thread);
                toasts.show_error(&error);
            }
        }
    });
}
