//! Times in words.

use chrono::{DateTime, FixedOffset, Utc};

/// A moment in the reader's zone, or in UTC (and saying so) where the zone is not known.
pub fn moment(at: DateTime<Utc>, zone: Option<FixedOffset>) -> String {
    match zone {
        Some(zone) => at.with_timezone(&zone).format("%-d %b %Y, %H:%M").to_string(),
        None => at.format("%-d %b %Y, %H:%M UTC").to_string(),
    }
}

/// A day in the reader's zone, or in UTC.
pub fn day(at: DateTime<Utc>, zone: Option<FixedOffset>) -> String {
    match zone {
        Some(zone) => at.with_timezone(&zone).format("%-d %B %Y").to_string(),
        None => at.format("%-d %B %Y").to_string(),
    }
}

/// As the `datetime` attribute wants it.
pub fn machine(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// How long until something happens: `12 s`, `3 min 5 s`, `2 h 10 min`, `5 days`.
pub fn wait(seconds: i64) -> String {
    let seconds = seconds.max(0);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3_600..172_800 => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// Whole seconds from `now` until `at`, rounded up, so that a wait never ends early.
pub fn seconds_until(at: DateTime<Utc>, now: DateTime<Utc>) -> i64 {
    let millis = (at - now).num_milliseconds();
    (millis.max(0) + 999) / 1_000
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, FixedOffset, TimeDelta, Utc};

    use super::{day, machine, moment, seconds_until, wait};

    fn at() -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000, 0).expect("a time")
    }

    #[test]
    fn a_moment_is_in_the_readers_zone_or_says_utc() {
        let zone = FixedOffset::east_opt(2 * 3_600);
        assert_eq!(moment(at(), None), "14 Nov 2023, 22:13 UTC");
        assert_eq!(moment(at(), zone), "15 Nov 2023, 00:13");
        assert_eq!(day(at(), zone), "15 November 2023");
        assert_eq!(machine(at()), "2023-11-14T22:13:20Z");
    }

    #[test]
    fn a_wait_is_rounded_up_and_never_negative() {
        assert_eq!(seconds_until(at() + TimeDelta::milliseconds(1), at()), 1);
        assert_eq!(seconds_until(at(), at() + TimeDelta::seconds(9)), 0);
    }

    #[test]
    fn a_wait_reads_well_at_every_length() {
        let shown = [0, 59, 60, 3_599, 3_600, 172_800].map(wait);
        assert_eq!(shown, ["0 s", "59 s", "1 min 0 s", "59 min 59 s", "1 h 0 min", "2 days"]);
    }
}
