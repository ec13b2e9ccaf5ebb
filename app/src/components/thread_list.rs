use leptos::prelude::*;

use super::{LoadError, SkeletonLines, ThreadItem};
use crate::contexts::{use_threads, use_toasts};
use crate::types::{Thread, ThreadId};

/// All conversations, the last changed first.
#[component]
pub fn ThreadList(current: Signal<Option<ThreadId>>, on_choose: Callback<()>) -> impl IntoView {
    let threads = use_threads();
    let toasts = use_toasts();
    Effect::new(move |_| {
        if let Some(thread) = toasts.restored.get() {
            threads.put(thread);
            toasts.restored.set(None);
        }
    });
    view! {
        <Suspense fallback=|| view! { <SkeletonLines/> }>
            {move || threads.get().map(|threads| match threads {
                Ok(threads) if threads.is_empty() => view! {
                    <p class="drawer-note">"Your conversations will be listed here."</p>
                }.into_any(),
                Ok(threads) => view! { <Items threads current on_choose/> }.into_any(),
                Err(error) => view! { <LoadError error/> }.into_any(),
            })}
        </Suspense>
    }
}

#[component]
fn Items(threads: Vec<Thread>, current: Signal<Option<ThreadId>>, on_choose: Callback<()>) -> impl IntoView {
    let items =
        threads.into_iter().map(|thread| view! { <ThreadItem thread current on_choose/> }).collect_view();
    view! { <ul class="threads" data-testid="thread-list">{items}</ul> }
}
