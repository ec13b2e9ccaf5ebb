//! Looking for conversations by their titles and messages.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::api::search_threads;
use crate::types::{FoundThread, ThreadId};
use crate::{ApiResult, browser};

/// After the last key, before the server is asked.
const PAUSE: Duration = Duration::from_millis(250);

#[derive(Clone, Copy)]
pub struct ThreadSearch {
    /// As typed; blank while nothing is looked for.
    words: RwSignal<String>,
    found: RwSignal<Option<ApiResult<Vec<FoundThread>>>>,
    /// Counts the questions: only the answer to the last one is shown.
    asked: StoredValue<u32>,
}

impl ThreadSearch {
    pub(super) fn nothing() -> Self {
        Self { words: RwSignal::new(String::new()), found: RwSignal::new(None), asked: StoredValue::new(0) }
    }

    /// Blank words end the search.
    pub fn look_for(self, words: String) {
        self.words.set(words);
        self.ask();
    }

    /// What was found so far; none while nothing is looked for.
    pub fn found(self) -> Option<ApiResult<Vec<FoundThread>>> {
        self.found.get()
    }

    pub fn has_words(self) -> bool {
        !self.words.with_untracked(String::is_empty)
    }

    /// Whether messages are looked at, too.
    pub fn is_in_messages(self) -> bool {
        self.words.with_untracked(|words| FoundThread::is_in_messages(words))
    }

    /// The same question once more, when the titles have changed.
    pub(super) fn ask(self) {
        let words = self.words.get_untracked();
        let number = self.asked.get_value() + 1;
        self.asked.set_value(number);
        if words.trim().is_empty() {
            if self.found.with_untracked(Option::is_some) {
                self.found.set(None);
            }
            return;
        }
        spawn_local(async move {
            browser::sleep(PAUSE).await;
            // None: the page was left.
            if self.asked.try_get_value() != Some(number) {
                return;
            }
            let found = search_threads(words).await;
            if self.asked.try_get_value() == Some(number) {
                self.found.set(Some(found));
            }
        });
    }

    pub(super) fn title(self, id: ThreadId) -> Option<String> {
        let found = self.found.get()?.ok()?;
        found.into_iter().find(|found| found.thread.id == id).map(|found| found.thread.title)
    }

    /// Changes what was found so far.
    pub(super) fn update(self, change: impl FnOnce(&mut Vec<FoundThread>)) {
        if self.found.with_untracked(|found| matches!(found, Some(Ok(_)))) {
            self.found.update(|found| {
                if let Some(Ok(found)) = found {
                    change(found);
                }
            });
        }
    }
}
