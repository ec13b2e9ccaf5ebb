//! What operators write into forms.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};

use super::NewLimits;
use crate::types::{ModelPrices, Nanos, Reason};
use crate::{ApiError, ApiResult};

/// Nothing an operator gives ends later than this.
const MOST_DAYS: u32 = 3_650;

pub(super) fn parse_reason(text: &str) -> ApiResult<Reason> {
    Reason::parse(text).map_err(ApiError::invalid)
}

/// What is given or taken at once: whoever wants more has mistyped.
const HIGHEST_AMOUNT: Nanos = Nanos::from_cents(10_000_000);

/// In dollars.
pub(super) fn parse_amount(text: &str) -> ApiResult<Nanos> {
    match Nanos::parse_dollars(text) {
        Ok(amount) if amount > HIGHEST_AMOUNT => Err(ApiError::invalid("$100,000 are the most at a time.")),
        Ok(Nanos::ZERO) => Err(ApiError::invalid("The amount must be more than $0.00.")),
        Ok(amount) => Ok(amount),
        Err(error) => Err(ApiError::invalid(error.to_string())),
    }
}

/// A million tokens cost no more than this, which the database has as a rule too.
const HIGHEST_PRICE: Nanos = Nanos(1_000_000_000_000_000);

/// Dollars for a million tokens: read, read before, and written.
pub(super) fn parse_prices(texts: [&str; 3]) -> ApiResult<ModelPrices> {
    let [input, cached_input, output] = texts.map(|text| match Nanos::parse_dollars(text) {
        Ok(price) if price > HIGHEST_PRICE => Err(ApiError::invalid("A price is $1,000,000 at most.")),
        Ok(price) => Ok(price),
        Err(error) => Err(ApiError::invalid(error.to_string())),
    });
    Ok(ModelPrices { input: input?, cached_input: cached_input?, output: output? })
}

/// A moment in UTC, as `datetime-local` fields send it. None: nothing was written.
pub(super) fn parse_moment(text: &str) -> ApiResult<Option<DateTime<Utc>>> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let moment = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    moment
        .map(|moment| Some(moment.and_utc()))
        .ok_or_else(|| ApiError::invalid("Write the moment as 2030-12-31T18:00, in UTC."))
}

/// A day in UTC, as `date` fields send it: the moment it is over.
pub(super) fn parse_last_day(text: &str) -> ApiResult<DateTime<Utc>> {
    let day = NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d").ok().and_then(|day| day.succ_opt());
    day.map(|next| next.and_time(NaiveTime::MIN).and_utc())
        .ok_or_else(|| ApiError::invalid("Write the day as 2030-12-31."))
}

/// None: nothing was written.
pub(super) fn parse_days(text: &str) -> ApiResult<Option<u32>> {
    let days = parse_number(text, "Days")?;
    if days.is_some_and(|days| days > MOST_DAYS) {
        return Err(ApiError::invalid(format!("{MOST_DAYS} days are the most.")));
    }
    Ok(days)
}

pub(super) fn required_days(text: &str) -> ApiResult<u32> {
    parse_days(text)?.ok_or_else(|| ApiError::invalid("Say for how many days."))
}

/// Requests a minute, requests a day, tokens a minute, and replies at a time.
pub(super) fn parse_limits(texts: [&str; 4], days: &str) -> ApiResult<NewLimits> {
    let [per_minute, per_day, tokens, concurrent] = texts.map(|text| parse_number(text, "A limit"));
    let limits = NewLimits {
        requests_per_minute: per_minute?,
        requests_per_day: per_day?,
        tokens_per_minute: tokens?,
        concurrent_replies: concurrent?,
        days: required_days(days)?,
    };
    if texts.iter().all(|text| text.trim().is_empty()) {
        return Err(ApiError::invalid("Write down at least one limit."));
    }
    Ok(limits)
}

/// A whole number from 1 on, as the database keeps it.
fn parse_number(text: &str, what: &str) -> ApiResult<Option<u32>> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let number = text.parse().ok().filter(|number| (1..=i32::MAX.cast_unsigned()).contains(number));
    number.map(Some).ok_or_else(|| ApiError::invalid(format!("{what} must be a whole number from 1 on.")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_is_refused_in_words() {
        for error in [
            parse_amount("0").map(|_| ()),
            parse_amount("-5").map(|_| ()),
            parse_amount("100000.01").map(|_| ()),
            parse_prices(["1", "", "2"]).map(|_| ()),
            parse_prices(["1", "0.1", "1000000.01"]).map(|_| ()),
            parse_moment("tomorrow").map(|_| ()),
            parse_last_day("").map(|_| ()),
            parse_reason("  ").map(|_| ()),
            parse_reason(&"x".repeat(501)).map(|_| ()),
            parse_days("0").map(|_| ()),
            parse_days("3651").map(|_| ()),
            required_days("").map(|_| ()),
            parse_limits(["", "", "", ""], "7").map(|_| ()),
            parse_limits(["5", "", "", ""], "").map(|_| ()),
            parse_limits(["5", "", "4294967295", ""], "7").map(|_| ()),
        ] {
            assert!(matches!(error, Err(ApiError::Invalid { .. })), "{error:?}");
        }
    }

    #[test]
    fn what_is_left_empty_is_as_the_plan_says() {
        let limits = parse_limits(["", " 40 ", "", ""], "7").expect("limits");
        assert_eq!((limits.requests_per_minute, limits.requests_per_day, limits.days), (None, Some(40), 7));
        assert_eq!(parse_days(" "), Ok(None));
        assert_eq!(parse_moment(" "), Ok(None));
    }
}
