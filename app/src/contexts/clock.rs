//! The time, and the reader's zone once the page has come alive.

use std::time::Duration;

use chrono::{DateTime, FixedOffset, Utc};
use leptos::prelude::*;

use crate::browser;

#[derive(Clone, Copy)]
pub struct Clock {
    is_alive: RwSignal<bool>,
    now: RwSignal<Option<DateTime<Utc>>>,
}

/// The server's page shows UTC; the first effect in the browser switches to the reader's zone, so that both render alike.
pub fn provide_clock() -> Clock {
    let clock = Clock { is_alive: RwSignal::new(false), now: RwSignal::new(None) };
    Effect::new(move |_| {
        clock.is_alive.set(true);
        clock.now.set(Some(browser::now()));
        let tick = move || clock.now.set(Some(browser::now()));
        if let Ok(interval) = set_interval_with_handle(tick, Duration::from_secs(1)) {
            on_cleanup(move || interval.clear());
        }
    });
    provide_context(clock);
    clock
}

pub fn use_clock() -> Clock {
    expect_context()
}

impl Clock {
    /// The reader's zone at that moment; None while it is not known.
    pub fn zone(self, at: DateTime<Utc>) -> Option<FixedOffset> {
        self.is_alive.get().then(|| browser::zone(at)).flatten()
    }

    /// Whether the server's page has come alive, and what is made now is made by the browser.
    pub fn is_alive(self) -> bool {
        self.is_alive.get_untracked()
    }

    /// Ticks every second in the browser; None on the server and while the page comes alive.
    pub fn now(self) -> Option<DateTime<Utc>> {
        self.now.get()
    }
}
