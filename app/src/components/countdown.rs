use chrono::{DateTime, Utc};
use leptos::prelude::*;

use crate::contexts::use_clock;
use crate::time;

/// How long until something happens, counted down every second; without JavaScript, when it happens.
#[component]
pub fn Countdown(at: DateTime<Utc>) -> impl IntoView {
    let clock = use_clock();
    let text = move || match clock.now() {
        Some(now) => format!("in {}", time::wait(time::seconds_until(at, now))),
        None => format!("at {}", time::moment(at, None)),
    };
    view! { <time class="countdown" datetime=time::machine(at)>{text}</time> }
}
