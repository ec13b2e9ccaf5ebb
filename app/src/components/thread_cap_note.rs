use leptos::prelude::*;

use crate::contexts::{OpenConversation, use_quota};
use crate::wording;

/// Above the composer: how far the conversation has come with its cap, from half of it on. A refusal there says it already.
#[component]
pub fn ThreadCapNote(conversation: OpenConversation) -> impl IntoView {
    let quota = use_quota();
    let note = Memo::new(move |_| {
        if conversation.refusal.with(Option::is_some) {
            return None;
        }
        let id = conversation.thread.with(|thread| thread.as_ref().map(|thread| thread.id))?;
        wording::thread_cap_note(quota.get()?.ok()?.thread_cap(id)?)
    });
    view! {
        <div role="status" class="thread-cap-place">
            {move || note.get().map(|note| view! { <p class="thread-cap-note" data-testid="thread-cap-note">{note}</p> })}
        </div>
    }
}
