use leptos::prelude::*;

use super::limit_meter::level;
use crate::contexts::use_quota;
use crate::types::{LimitName, Quota};

/// What is left, on every page: requests in this minute and today, and credit. Leads to the usage page.
#[component]
pub fn QuotaMeter() -> impl IntoView {
    let quota = use_quota();
    view! {
        {move || quota.get().map(|quota| match quota {
            Ok(quota) => view! { <Meter quota/> }.into_any(),
            Err(_) => view! {
                <a class="quota-meter" href="/usage" data-testid="quota-meter">"Limits not known"</a>
            }.into_any(),
        })}
    }
}

#[component]
fn Meter(quota: Quota) -> impl IntoView {
    let requests = |name| quota.limit(name).map(|limit| (limit.remaining, limit.limit));
    let tighter = tighter_rate(&quota);
    let is_looser = |name| name != tighter;
    let minute = requests(LimitName::RequestsPerMinute).map(|(left, most)| view! {
        <Part name="minute" test_id="quota-minute-remaining" left=left.to_string() most=format!("/{most}") unit="this minute"
            value=left.into() limit=most.into() is_looser=is_looser(LimitName::RequestsPerMinute)/>
    });
    let day = requests(LimitName::RequestsPerDay).map(|(left, most)| view! {
        <Part name="day" test_id="quota-day-remaining" left=left.to_string() most=format!("/{most}") unit="today"
            value=left.into() limit=most.into() is_looser=is_looser(LimitName::RequestsPerDay)/>
    });
    let credit = quota.credit;
    // From the moment credit is used up, what the cap beyond it leaves is what counts.
    let credit_part = match credit.overage.filter(|_| credit.is_used_up()) {
        Some(overage) => view! {
            <Part name="overage" test_id="overage-available" left=overage.left().to_cents_text() most=String::new()
                unit="pay as you go" value=overage.left().0 limit=overage.cap.0/>
        }
        .into_any(),
        None => view! {
            <Part name="credit" test_id="credit-available" left=credit.available.or_zero().to_cents_text() most=String::new()
                unit="credit" value=credit.available.0 limit=credit.granted.0/>
        }
        .into_any(),
    };
    view! {
        <a class="quota-meter" href="/usage" data-testid="quota-meter" title="What you have left. Open the usage page.">
            <span class="visually-hidden">"What you have left: "</span>
            {minute}
            {day}
            {credit_part}
        </a>
    }
}

/// Of the two rates the one that ends a conversation first; where there is room for one only, it is shown.
fn tighter_rate(quota: &Quota) -> LimitName {
    let left = |name| quota.limit(name).map_or(u32::MAX, |limit| limit.remaining);
    match left(LimitName::RequestsPerDay) <= left(LimitName::RequestsPerMinute) {
        true => LimitName::RequestsPerDay,
        false => LimitName::RequestsPerMinute,
    }
}

/// One number with a small gauge: a weight on a string, the lower the less is left.
#[component]
fn Part(
    name: &'static str,
    test_id: &'static str,
    left: String,
    most: String,
    unit: &'static str,
    value: i64,
    limit: i64,
    #[prop(default = false)] is_looser: bool,
) -> impl IntoView {
    let drop = gauge_drop(value, limit);
    view! {
        <span class="quota-part" data-part=name data-looser=is_looser.then_some("true") data-level=level(value, limit)>
            <svg class="gauge" viewBox="0 0 8 20" width="8" height="20" aria-hidden="true" focusable="false">
                <path class="gauge-track" d="M4 1v18"></path>
                <path class="gauge-string" d=format!("M4 1v{drop}")></path>
                <circle class="gauge-bob" cx="4" cy=(drop + 1).to_string() r="3"></circle>
            </svg>
            <span class="quota-number">
                <b data-testid=test_id>{left}</b>
                <span class="quota-most">{most}</span>
            </span>
            " "
            <span class="quota-unit">{unit}</span>
        </span>
    }
}

/// From 2 (all is left) to 15 (nothing is).
fn gauge_drop(value: i64, limit: i64) -> i64 {
    if limit <= 0 {
        return 15;
    }
    15 - value.clamp(0, limit) * 13 / limit
}

#[cfg(test)]
mod tests {
    use super::{gauge_drop, tighter_rate};
    use crate::types::{LimitName, Quota};

    #[test]
    fn a_small_meter_shows_what_runs_out_first() {
        assert_eq!(tighter_rate(&Quota::with_left(4, 19)), LimitName::RequestsPerMinute);
        assert_eq!(tighter_rate(&Quota::with_left(4, 3)), LimitName::RequestsPerDay);
        assert_eq!(tighter_rate(&Quota::with_left(3, 3)), LimitName::RequestsPerDay, "it lasts longer");
    }

    #[test]
    fn the_weight_sinks_as_less_is_left() {
        assert_eq!(
            [gauge_drop(5, 5), gauge_drop(0, 5), gauge_drop(-9, 5), gauge_drop(9, 5), gauge_drop(1, 0)],
            [2, 15, 15, 2, 15]
        );
    }
}
