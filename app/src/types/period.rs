//! Months and other stretches of whole days, all in UTC.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Days as DayCount, Months, NaiveDate, NaiveTime, Utc};
use serde::{Deserialize, Serialize};

/// A calendar month. Written `2026-11`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Month {
    first_day: NaiveDate,
}

impl Month {
    pub fn of(day: NaiveDate) -> Self {
        use chrono::Datelike;

        Self { first_day: day.with_day(1).unwrap_or(day) }
    }

    pub fn next(self) -> Self {
        Self { first_day: self.first_day.checked_add_months(Months::new(1)).unwrap_or(self.first_day) }
    }

    pub fn previous(self) -> Self {
        Self { first_day: self.first_day.checked_sub_months(Months::new(1)).unwrap_or(self.first_day) }
    }

    pub fn days(self) -> Days {
        Days { first: self.first_day, last: self.next().first_day.pred_opt().unwrap_or(self.first_day) }
    }

    /// In words: `November 2026`.
    pub fn name(self) -> String {
        self.first_day.format("%B %Y").to_string()
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.first_day.format("%Y-%m").fmt(f)
    }
}

/// The text names no period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Give the period as 30-days, or as a month such as 2026-11.")]
pub struct PeriodError;

impl FromStr for Month {
    type Err = PeriodError;

    fn from_str(text: &str) -> Result<Self, PeriodError> {
        let is_plain = text.len() == 7 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        let first_day = is_plain.then(|| format!("{text}-01").parse().ok()).flatten();
        first_day.map(|first_day| Self { first_day }).ok_or(PeriodError)
    }
}

impl TryFrom<String> for Month {
    type Error = PeriodError;

    fn try_from(text: String) -> Result<Self, PeriodError> {
        text.parse()
    }
}

impl From<Month> for String {
    fn from(month: Month) -> Self {
        month.to_string()
    }
}

/// Which days a report is about. Written `30-days` or `2026-11`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Period {
    /// Today and the 29 days before.
    #[default]
    Last30Days,
    Month(Month),
}

impl Period {
    const LENGTH: DayCount = DayCount::new(30);

    pub fn days(self, today: NaiveDate) -> Days {
        match self {
            Self::Last30Days => Days { first: today + DayCount::new(1) - Self::LENGTH, last: today },
            Self::Month(month) => month.days(),
        }
    }

    /// The period of the same kind that ends where this one begins.
    pub fn days_before(self, today: NaiveDate) -> Days {
        match self {
            Self::Last30Days => self.days(today - Self::LENGTH),
            Self::Month(month) => month.previous().days(),
        }
    }

    /// In words: `Last 30 days`, `November 2026`.
    pub fn name(self) -> String {
        match self {
            Self::Last30Days => "Last 30 days".to_owned(),
            Self::Month(month) => month.name(),
        }
    }

    /// What comes before it, in words.
    pub fn name_before(self) -> String {
        match self {
            Self::Last30Days => "the 30 days before".to_owned(),
            Self::Month(month) => month.previous().name(),
        }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Last30Days => f.write_str("30-days"),
            Self::Month(month) => month.fmt(f),
        }
    }
}

impl FromStr for Period {
    type Err = PeriodError;

    fn from_str(text: &str) -> Result<Self, PeriodError> {
        if text == "30-days" { Ok(Self::Last30Days) } else { text.parse().map(Self::Month) }
    }
}

impl TryFrom<String> for Period {
    type Error = PeriodError;

    fn try_from(text: String) -> Result<Self, PeriodError> {
        text.parse()
    }
}

impl From<Period> for String {
    fn from(period: Period) -> Self {
        period.to_string()
    }
}

/// Whole days, the first and the last included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Days {
    pub first: NaiveDate,
    pub last: NaiveDate,
}

impl Days {
    /// The last `count` days before the day of this time.
    pub fn before(at: DateTime<Utc>, count: u64) -> Self {
        let today = at.date_naive();
        let ago = |days| today.checked_sub_days(DayCount::new(days)).unwrap_or(today);
        Self { first: ago(count), last: ago(1) }
    }

    pub fn iter(self) -> impl Iterator<Item = NaiveDate> {
        self.first.iter_days().take_while(move |day| *day <= self.last)
    }

    /// The first moment, and the first moment after.
    pub fn bounds(self) -> (DateTime<Utc>, DateTime<Utc>) {
        let midnight = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
        (midnight(self.first), midnight(self.last.succ_opt().unwrap_or(self.last)))
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::{Days, Month, Period};

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    fn days(first: &str, last: &str) -> Days {
        Days { first: day(first), last: day(last) }
    }

    #[test]
    fn a_month_has_all_its_days_in_leap_years_too() {
        let february: Month = "2028-02".parse().expect("a month");
        assert_eq!(february.days(), days("2028-02-01", "2028-02-29"));
        assert_eq!(february.days().iter().count(), 29);
        assert_eq!((february.name(), february.to_string()), ("February 2028".into(), "2028-02".into()));
    }

    #[test]
    fn the_period_before_ends_where_the_period_begins() {
        let today = day("2026-03-02");
        assert_eq!(Period::Last30Days.days(today), days("2026-02-01", "2026-03-02"));
        assert_eq!(Period::Last30Days.days_before(today), days("2026-01-02", "2026-01-31"));
        let january = Period::Month("2026-01".parse().expect("a month"));
        assert_eq!(january.days_before(today), days("2025-12-01", "2025-12-31"));
        assert_eq!(january.name_before(), "December 2025");
    }

    #[test]
    fn a_period_is_read_as_it_is_written_and_nothing_else_is() {
        for text in ["30-days", "2026-11"] {
            assert_eq!(text.parse::<Period>().map(|period| period.to_string()).as_deref(), Ok(text));
        }
        for text in ["", "2026", "2026-13", "2026-11-01", "+026-11", "31-days", "２０２６-11"] {
            assert!(text.parse::<Period>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_day_begins_and_ends_at_midnight_in_utc() {
        let (from, until) = days("2026-11-24", "2026-11-24").bounds();
        assert_eq!(from.to_string(), "2026-11-24 00:00:00 UTC");
        assert_eq!(until.to_string(), "2026-11-25 00:00:00 UTC");
    }
}
