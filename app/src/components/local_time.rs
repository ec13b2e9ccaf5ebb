use chrono::{DateTime, Utc};
use leptos::prelude::*;

use crate::contexts::use_clock;
use crate::time;

/// A moment, in UTC as the server sends it and in the reader's zone as soon as the page is alive.
#[component]
pub fn LocalTime(at: DateTime<Utc>) -> impl IntoView {
    let clock = use_clock();
    view! { <time datetime=time::machine(at)>{move || time::moment(at, clock.zone(at))}</time> }
}

/// A day, in the same way.
#[component]
pub fn LocalDay(at: DateTime<Utc>) -> impl IntoView {
    let clock = use_clock();
    view! { <time datetime=time::machine(at)>{move || time::day(at, clock.zone(at))}</time> }
}
