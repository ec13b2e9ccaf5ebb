use leptos::prelude::*;

use super::{Icon, Symbol};
use crate::contexts::OpenConversation;
use crate::transcript::{Turn, Version};
use crate::types::{MessageId, Role};

/// Which version of a turn this is, and the way to the others. Nothing where there are none.
#[component]
pub fn VersionSwitch(turn: Signal<Turn>, conversation: OpenConversation) -> impl IntoView {
    let version = Memo::new(move |_| turn.with(Turn::version));
    let has_others = Memo::new(move |_| version.get().is_some());
    let noun = turn.with_untracked(|turn| match turn.role {
        Role::User => "question",
        Role::Assistant => "answer",
    });
    let to = move |beside: fn(Version) -> Option<MessageId>| {
        Signal::derive(move || version.get().and_then(beside))
    };
    let (previous, next) = (to(|version| version.previous), to(|version| version.next));
    move || {
        has_others.get().then(|| {
            let position = move || version.get().map(|version| version.to_string());
            view! {
                <span class="versions" role="group" aria-label=format!("Versions of this {noun}") data-testid="versions">
                    <SwitchButton to=previous label=format!("Previous {noun}") symbol=Symbol::Left conversation/>
                    <span class="version" aria-live="polite">{position}</span>
                    <SwitchButton to=next label=format!("Next {noun}") symbol=Symbol::Right conversation/>
                </span>
            }
        })
    }
}

/// Stays where it is when it leads nowhere: a button that is disabled would lose the focus.
#[component]
fn SwitchButton(
    to: Signal<Option<MessageId>>,
    label: String,
    symbol: Symbol,
    conversation: OpenConversation,
) -> impl IntoView {
    let leads_nowhere = move || to.get().is_none() || !conversation.can_switch();
    let show = move |_| {
        if let Some(id) = to.get_untracked() {
            conversation.show_version(id);
        }
    };
    view! {
        <button
            type="button"
            class="version-button needs-script"
            aria-label=label.clone()
            title=label
            aria-disabled=move || leads_nowhere().to_string()
            on:click=show
        >
            <Icon symbol/>
        </button>
    }
}
