use leptos::prelude::*;

/// Where text is about to appear.
#[component]
pub fn SkeletonLines() -> impl IntoView {
    view! {
        <div class="skeleton-lines" aria-hidden="true">
            <span class="skeleton"></span>
            <span class="skeleton"></span>
            <span class="skeleton"></span>
        </div>
    }
}
