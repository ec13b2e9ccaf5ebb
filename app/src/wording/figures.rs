//! The words of the operators' figures.

use super::usage::count;
use crate::types::Nanos;

/// An amount to be looked at and not added up: from a thousand dollars on without cents, below a cent with two digits.
pub fn money(amount: Nanos) -> String {
    let size = amount.0.unsigned_abs();
    let cents = (size + CENT / 2) / CENT;
    let sign = if amount < Nanos::ZERO { "−" } else { "" };
    match size {
        0 => "$0.00".to_owned(),
        1..CENT => format!("{sign}{}", Nanos(two_digits(size))),
        _ if cents >= 100_000 => format!("{sign}${}", count((cents + 50) / 100)),
        _ => format!("{sign}${}.{:02}", cents / 100, cents % 100),
    }
}

const CENT: u64 = 10_000_000;

/// The first two digits, rounded half up.
fn two_digits(size: u64) -> i64 {
    let unit = 10_u64.pow(size.ilog10().saturating_sub(1));
    i64::try_from((size + unit / 2) / unit * unit).unwrap_or(i64::MAX)
}

/// For the scale of a chart: `1.2M`, `350k`, `12`.
pub fn short_count(number: u64) -> String {
    let (unit, sign) = match number {
        1_000_000_000.. => (1_000_000_000, "B"),
        1_000_000.. => (1_000_000, "M"),
        10_000.. => (1_000, "k"),
        _ => return count(number),
    };
    match (number / unit, number % unit * 10 / unit) {
        (whole, 0) => format!("{whole}{sign}"),
        (whole, _) if whole >= 100 => format!("{whole}{sign}"),
        (whole, tenth) => format!("{whole}.{tenth}{sign}"),
    }
}

/// In hundredths of a percent: `3.25%`.
pub fn percent(hundredths: u64) -> String {
    format!("{}.{:02}%", hundredths / 100, hundredths % 100)
}

/// In hundredths of a percent, rounded down. None: there is no whole.
pub fn share(part: u64, whole: u64) -> Option<u64> {
    let share = u128::from(part) * 10_000 / u128::from((whole > 0).then_some(whole)?);
    u64::try_from(share).ok()
}

/// By how much something has grown, in whole percent: `+12%`, `−3%`. None: it was nothing, or it would say nothing.
pub fn growth(now: i64, before: i64) -> Option<String> {
    if before <= 0 {
        return None;
    }
    let percent = (i128::from(now) - i128::from(before)) * 100 / i128::from(before);
    match percent {
        1_000.. | ..=-1_000 => None,
        ..=-1 => Some(format!("−{}%", -percent)),
        0 => Some("±0%".to_owned()),
        _ => Some(format!("+{percent}%")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_as_exact_as_they_need_to_be() {
        let text = |nanos| money(Nanos(nanos));
        assert_eq!(text(0), "$0.00");
        assert_eq!(text(3_100_000), "$0.0031");
        assert_eq!([text(8_367_775), text(-9_996_000), text(7)], ["$0.0084", "−$0.01", "$0.000000007"]);
        assert_eq!(text(62_074_744_875), "$62.07");
        assert_eq!(text(-62_075_744_875), "−$62.08");
        assert_eq!(text(999_994_999_999), "$999.99");
        assert_eq!(text(97_231_550_000_000), "$97,232");
    }

    #[test]
    fn large_numbers_are_short() {
        let short =
            [0, 9_999, 12_000, 12_345, 350_000, 1_250_000, 20_000_000, 7_000_000_000].map(short_count);
        assert_eq!(short, ["0", "9,999", "12k", "12.3k", "350k", "1.2M", "20M", "7B"]);
    }

    #[test]
    fn shares_and_growth_are_told_where_they_mean_something() {
        assert_eq!(share(1, 0), None);
        assert_eq!(share(1, 3).map(percent).as_deref(), Some("33.33%"));
        let told = [(112, 100), (97, 100), (100, 100), (5, 0), (-50, 100), (2_000, 1)];
        let told = told.map(|(now, before)| growth(now, before).unwrap_or_default());
        assert_eq!(told, ["+12%", "−3%", "±0%", "", "−150%", ""]);
    }
}
