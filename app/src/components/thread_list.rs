use leptos::prelude::*;

use super::{LoadError, SkeletonLines, ThreadItem};
use crate::contexts::{use_threads, use_toasts};
use crate::types::{FoundThread, ThreadId};

/// All conversations, the last changed first; or those that were looked for.
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
    let listed = move || {
        let all = threads.get()?;
        Some(all.map(|threads| threads.into_iter().map(FoundThread::from).collect::<Vec<_>>()))
    };
    let shown = move || threads.search.found().or_else(listed);
    view! {
        <Suspense fallback=|| view! { <SkeletonLines/> }>
            {move || shown().map(|threads| match threads {
                Ok(threads) if threads.is_empty() => view! { <Nothing/> }.into_any(),
                Ok(threads) => view! { <Items threads current on_choose/> }.into_any(),
                Err(error) => view! { <LoadError error/> }.into_any(),
            })}
        </Suspense>
    }
}

/// That nothing was found is said by the search itself.
#[component]
fn Nothing() -> impl IntoView {
    let search = use_threads().search;
    move || {
        let is_new = search.found().is_none();
        is_new.then(|| view! { <p class="drawer-note">"Your conversations will be listed here."</p> })
    }
}

#[component]
fn Items(
    threads: Vec<FoundThread>,
    current: Signal<Option<ThreadId>>,
    on_choose: Callback<()>,
) -> impl IntoView {
    let items =
        threads.into_iter().map(|found| view! { <ThreadItem found current on_choose/> }).collect_view();
    view! { <ul class="threads" data-testid="thread-list">{items} <Older/></ul> }
}

/// The way to the next page of a list that goes on.
#[component]
fn Older() -> impl IntoView {
    let (threads, toasts) = (use_threads(), use_toasts());
    let goes_on = Memo::new(move |_| threads.search.found().is_none() && threads.end().is_some());
    let label = move || if threads.is_loading_older.get() { "Loading" } else { "Older" };
    move || {
        goes_on.get().then(|| {
            view! {
                <li class="threads-older needs-script">
                    <button type="button" class="button button-small button-wide" data-testid="older-threads"
                        on:click=move |_| threads.load_older(toasts)>
                        {label}
                    </button>
                </li>
            }
        })
    }
}
