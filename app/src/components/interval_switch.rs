use leptos::prelude::*;

use crate::links::pricing_path;
use crate::types::Interval;

/// Monthly or yearly prices, as links.
#[component]
pub fn IntervalSwitch(current: Memo<Interval>) -> impl IntoView {
    let choice = move |interval: Interval, name: &'static str| {
        let is_current = move || (current.get() == interval).then_some("true");
        view! { <li><a href=pricing_path(interval) aria-current=is_current data-noscroll="">{name}</a></li> }
    };
    view! {
        <nav class="choice" aria-label="How often to pay">
            <ul>{choice(Interval::Month, "Monthly")} {choice(Interval::Year, "Yearly")}</ul>
        </nav>
    }
}
