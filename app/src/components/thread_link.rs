use leptos::prelude::*;

use crate::links::thread_path;
use crate::types::ThreadLabel;

/// The name of a conversation, leading there while it exists, or of what a program asked.
#[component]
pub fn ThreadLink(thread: ThreadLabel) -> impl IntoView {
    let ThreadLabel { id, title, is_deleted, is_program } = thread;
    if is_program {
        view! { <span>{title}</span> }.into_any()
    } else if is_deleted {
        view! { <span>{title} " " <span class="muted">"(deleted)"</span></span> }.into_any()
    } else {
        view! { <a href=thread_path(id)>{title}</a> }.into_any()
    }
}
