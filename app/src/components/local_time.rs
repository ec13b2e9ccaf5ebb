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

/// A day by UTC, wherever the reader is: months of money begin and end in it, and sentences name their days by it.
#[component]
pub fn UtcDay(at: DateTime<Utc>) -> impl IntoView {
    let day = format!("{} (UTC)", time::day(at, None));
    view! { <time datetime=time::machine(at)>{day}</time> }
}

/// A day, in the same way as a moment.
#[component]
pub fn LocalDay(at: DateTime<Utc>) -> impl IntoView {
    let clock = use_clock();
    view! { <time datetime=time::machine(at)>{move || time::day(at, clock.zone(at))}</time> }
}
