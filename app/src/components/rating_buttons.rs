use leptos::prelude::*;
use leptos::task::spawn_local;

use super::{Icon, Symbol};
use crate::api::{rate_reply, take_rating_back};
use crate::contexts::{ToastContext, use_toasts};
use crate::types::{MessageId, Rating};

/// What the reader thinks of an answer. The button that is pressed takes it back.
#[component]
pub fn RatingButtons(id: MessageId, rating: Option<Rating>) -> impl IntoView {
    let choice = Choice::new(id, rating, use_toasts());
    let current = Signal::from(choice.shown.clone());
    let choose = Callback::new(move |rating| choice.toggle(rating));
    view! {
        <RatingButton rating=Rating::Good current choose/>
        <RatingButton rating=Rating::Bad current choose/>
    }
}

/// What was chosen last, told to the server one choice after the other: the last one is kept, however fast they follow
/// each other. Lives on until it is told, also when the answer is not on the page any more.
#[derive(Clone)]
struct Choice {
    id: MessageId,
    shown: ArcRwSignal<Option<Rating>>,
    /// As the server has it.
    kept: ArcStoredValue<Option<Rating>>,
    is_telling: ArcStoredValue<bool>,
    toasts: ToastContext,
}

impl Choice {
    fn new(id: MessageId, rating: Option<Rating>, toasts: ToastContext) -> Self {
        Self {
            id,
            shown: ArcRwSignal::new(rating),
            kept: ArcStoredValue::new(rating),
            is_telling: ArcStoredValue::new(false),
            toasts,
        }
    }

    fn toggle(&self, rating: Rating) {
        self.shown.update(|shown| *shown = (*shown != Some(rating)).then_some(rating));
        if !self.is_telling.get_value() {
            self.is_telling.set_value(true);
            spawn_local(self.clone().tell());
        }
    }

    /// Until the server has what is shown.
    async fn tell(self) {
        loop {
            let chosen = self.shown.get_untracked();
            if chosen == self.kept.get_value() {
                break;
            }
            let told = match chosen {
                Some(rating) => rate_reply(self.id, rating).await,
                None => take_rating_back(self.id).await,
            };
            match told {
                Ok(()) => self.kept.set_value(chosen),
                // Something else was chosen meanwhile: that is what counts.
                Err(_) if self.shown.get_untracked() != chosen => {}
                Err(error) => {
                    self.shown.set(self.kept.get_value());
                    self.toasts.show_error(&error);
                }
            }
        }
        self.is_telling.set_value(false);
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
