//! Amounts in cents: integers, rounded half away from zero.

use serde_json::Value;

use crate::stripe::objects::Fields;

/// Unit amounts may have twelve decimals.
const DECIMALS: usize = 12;
const ONE_CENT: i128 = 1_000_000_000_000;

/// What `quantity` units of a price cost.
pub(crate) fn cost(price: &Value, quantity: i64) -> i64 {
    let unit = parse_decimal(price.text("unit_amount_decimal")).unwrap_or_default();
    round_division(unit * i128::from(packages(price, quantity)), ONE_CENT)
}

/// `amount × part / whole`.
pub(crate) fn share(amount: i64, part: i64, whole: i64) -> i64 {
    round_division(i128::from(amount) * i128::from(part), i128::from(whole.max(1)))
}

/// A decimal text in units of 10⁻¹² cents; `None` for anything else than digits and a point.
pub(crate) fn parse_decimal(text: &str) -> Option<i128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole.is_empty() || whole.len() > 15 || fraction.len() > DECIMALS {
        return None;
    }
    format!("{whole}{fraction:0<DECIMALS$}").parse().ok()
}

/// `unit_amount` (null when it is no whole number) and `unit_amount_decimal` for a text.
pub(crate) fn unit_amounts(text: &str) -> Option<(Value, Value)> {
    let amount = parse_decimal(text)?;
    let whole = (amount % ONE_CENT == 0).then(|| i64::try_from(amount / ONE_CENT).ok()).flatten();
    Some((whole.into(), text.into()))
}

/// Quantities that are sold by the package (`transform_quantity`).
fn packages(price: &Value, quantity: i64) -> i64 {
    let transform = &price["transform_quantity"];
    let size = transform.integer("divide_by");
    if size <= 0 {
        return quantity;
    }
    let partial = i64::from(quantity % size > 0 && transform.text("round") == "up");
    quantity / size + partial
}

fn round_division(numerator: i128, denominator: i128) -> i64 {
    let half = denominator / 2 * numerator.signum();
    i64::try_from((numerator + half) / denominator).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fractions_of_a_cent_are_rounded_once_at_the_end() {
        let price = json!({"unit_amount_decimal": "0.0125"});
        assert_eq!([cost(&price, 1), cost(&price, 39), cost(&price, 40), cost(&price, 1000)], [0, 0, 1, 13]);
        assert_eq!([share(-2000, 1, 3), share(2000, 1, 2)], [-667, 1000]);
    }

    #[test]
    fn packages_are_rounded_as_the_price_says() {
        let price =
            json!({"unit_amount_decimal": "5", "transform_quantity": {"divide_by": 1000, "round": "up"}});
        assert_eq!([cost(&price, 1), cost(&price, 1000), cost(&price, 1001)], [5, 5, 10]);
    }
}
