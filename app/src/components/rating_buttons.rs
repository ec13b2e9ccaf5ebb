use leptos::prelude::*;
use leptos::task::spawn_local;

use super::{Icon, Symbol};
use crate::api::{rate_reply, take_rating_back};
use crate::contexts::use_toasts;
use crate::types::{MessageId, Rating};

/// What the reader thinks of an answer. The button that is pressed takes it back.
#[component]
pub fn RatingButtons(id: MessageId, rating: Option<Rating>) -> impl IntoView {
    let toasts = use_toasts();
    let current = RwSignal::new(rating);
    let choose = Callback::new(move |rating: Rating| {
        let before = current.get_untracked();
        let chosen = (before != Some(rating)).then_some(rating);
        current.set(chosen);
        spawn_local(async move {
            let kept = match chosen {
                Some(rating) => rate_reply(id, rating).await,
                None => take_rating_back(id).await,
            };
            if let Err(error) = kept {
                _ = current.try_set(before);
                toasts.show_error(&error);
            }
        });
    });
    view! {
        <RatingButton rating=Rating::Good current=current.into() choose/>
        <RatingButton rating=Rating::Bad current=current.into() choose/>
    }
}

#[component]
fn RatingButton(rating: Rating, current: Signal<Option<Rating>>, choose: Callback<Rating>) -> impl IntoView {
    let (words, test_id, symbol) = match rating {
        Rating::Good => ("Good answer", "rate-good", Symbol::ThumbUp),
        Rating::Bad => ("Bad answer", "rate-bad", Symbol::ThumbDown),
    };
    view! {
        <button
            type="button"
            class="foot-button needs-script"
            data-testid=test_id
            aria-label=words
            aria-pressed=move || (current.get() == Some(rating)).to_string()
            on:click=move |_| choose.run(rating)
        >
            <Icon symbol/>
        </button>
    }
}
