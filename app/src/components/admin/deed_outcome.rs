use leptos::prelude::*;
use server_fn::ServerFn;

use crate::ApiError;
use crate::browser;
use crate::components::after_success;

/// What an operator did last, in words. Made once at the top of a page, with the actions that it tells of.
#[derive(Clone, Copy)]
pub struct DeedOutcome {
    /// None: nothing yet.
    words: RwSignal<Option<&'static str>>,
    done: RwSignal<u32>,
}

/// Where it is said.
const ID: &str = "deed-outcome";

impl DeedOutcome {
    pub fn new() -> Self {
        Self { words: RwSignal::new(None), done: RwSignal::new(0) }
    }

    /// How often something was done: what is shown is read again then.
    pub fn count(self) -> u32 {
        self.done.get()
    }

    pub fn say_when_done<S>(self, action: ServerAction<S>, words: &'static str)
    where
        S: ServerFn<Output = (), Error = ApiError> + Clone + Send + Sync + 'static,
    {
        after_success(action, move || {
            self.words.set(Some(words));
            self.done.update(|done| *done += 1);
            // The form is drawn anew, with the focus in it.
            browser::focus_later(ID);
        });
    }
}

/// Says it, also to those who hear the page.
#[component]
pub fn OutcomeNote(outcome: DeedOutcome) -> impl IntoView {
    view! { <p class="deed-outcome" id=ID role="status" tabindex="-1" data-testid="deed-outcome">{move || outcome.words.get()}</p> }
}
