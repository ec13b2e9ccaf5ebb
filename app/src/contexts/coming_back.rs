use leptos::ev;
use leptos::prelude::*;

use crate::browser;

/// Calls back each time somebody comes back to the page, from another tab or another program: what it shows may have changed
/// elsewhere meanwhile. Until the current owner is cleaned up.
pub(super) fn on_coming_back(callback: impl Fn() + Copy + 'static) {
    Effect::new(move |_| {
        let focus = window_event_listener(ev::focus, move |_| callback());
        // Of a phone that wakes up, only this is heard.
        let seen = window_event_listener_untyped("visibilitychange", move |_| {
            if !browser::is_hidden() {
                callback();
            }
        });
        on_cleanup(move || {
            focus.remove();
            seen.remove();
        });
    });
}
