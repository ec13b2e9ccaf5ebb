//! Billing periods by the calendar.

use chrono::{DateTime, Days, Months};
use serde_json::Value;

use crate::stripe::objects::Fields;

/// The end of the period that begins at `start`: the next of the anchor's anniversaries. All in Unix seconds.
pub(crate) fn period_end(anchor: i64, recurring: &Value, start: i64) -> i64 {
    // The anniversaries are counted from the anchor: a month after 31 January is 28 February, but two are 31 March.
    let mut count = 1;
    loop {
        match later(anchor, recurring, count) {
            Some(end) if end <= start => count += 1,
            Some(end) => return end,
            None => return i64::MAX,
        }
    }
}

fn later(anchor: i64, recurring: &Value, count: u32) -> Option<i64> {
    let from = DateTime::from_timestamp(anchor, 0)?;
    let every = u32::try_from(recurring.integer("interval_count").max(1)).ok()?.checked_mul(count)?;
    let end = match recurring.text("interval") {
        "day" => from.checked_add_days(Days::new(every.into())),
        "week" => from.checked_add_days(Days::new(u64::from(every) * 7)),
        "year" => from.checked_add_months(Months::new(every.checked_mul(12)?)),
        _ => from.checked_add_months(Months::new(every)),
    };
    end.map(|end| end.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(text: &str) -> i64 {
        format!("{text}T12:00:00Z").parse::<DateTime<chrono::Utc>>().unwrap().timestamp()
    }

    #[test]
    fn the_anchors_day_comes_back_after_a_short_month() {
        let monthly = json!({"interval": "month", "interval_count": 1});
        let anchor = at("2026-01-31");
        assert_eq!(period_end(anchor, &monthly, anchor), at("2026-02-28"));
        assert_eq!(period_end(anchor, &monthly, at("2026-02-28")), at("2026-03-31"));
        let yearly = json!({"interval": "year", "interval_count": 1});
        assert_eq!(period_end(anchor, &yearly, anchor), at("2027-01-31"));
    }
}
