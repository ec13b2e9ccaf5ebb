use leptos::prelude::*;

use super::Countdown;
use crate::types::Limit;
use crate::wording::usage::count;
use crate::wording::{limit_explanation, limit_title, reset_words};

/// One limit: what is left of it, and when more fits.
#[component]
pub fn LimitMeter(limit: Limit) -> impl IntoView {
    let Limit { name, limit: most, used, held, remaining, resets_at } = limit.clone();
    let held = (held > 0).then(|| format!(" {} of it is held by replies in progress.", count(held.into())));
    let reset = resets_at.map(|at| view! { <span>{reset_words(&limit)} " " <Countdown at/></span> });
    view! {
        <li class="limit">
            <div class="limit-head">
                <h3>{limit_title(name)}</h3>
                <p class="limit-left"><b>{count(remaining.into())}</b> {format!(" of {} left", count(most.into()))}</p>
            </div>
            <Bar value=remaining.into() most=most.into() label=limit_title(name).to_owned()/>
            <p class="limit-note">
                <span>{limit_explanation(name)}</span>
                <span>{format!("{} used.", count(used.into()))} {held} " " {reset}</span>
            </p>
        </li>
    }
}

/// A horizontal bar. Its width is an SVG attribute: inline styles are not allowed here.
#[component]
pub fn Bar(value: i64, most: i64, label: String) -> impl IntoView {
    let value = value.clamp(0, most.max(0));
    let percent = if most > 0 { value * 100 / most } else { 0 };
    view! {
        <svg
            class="bar"
            data-level=level(value, most)
            viewBox="0 0 100 1"
            preserveAspectRatio="none"
            role="meter"
            aria-label=label
            aria-valuemin="0"
            aria-valuemax=most.to_string()
            aria-valuenow=value.to_string()
            aria-valuetext=format!("{percent}% left")
        >
            <rect class="bar-fill" width=percent.to_string() height="1"></rect>
        </svg>
    }
}

/// How worried to look.
pub fn level(value: i64, most: i64) -> &'static str {
    match value {
        ..=0 => "empty",
        value if value * 4 <= most => "low",
        _ => "fine",
    }
}

#[cfg(test)]
mod tests {
    use super::level;

    #[test]
    fn a_quarter_is_low() {
        assert_eq!(
            [level(5, 5), level(2, 5), level(1, 5), level(0, 5), level(-3, 5)],
            ["fine", "fine", "low", "empty", "empty"]
        );
    }
}
