//! Amounts of money.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

use serde::{Deserialize, Serialize};

/// US dollars in billionths ("nano-dollars"). Exact: there is no floating-point money anywhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Nanos(pub i64);

impl Nanos {
    pub const ZERO: Self = Self(0);
    pub const PER_DOLLAR: i64 = 1_000_000_000;
    const PER_CENT: i64 = 10_000_000;

    /// `value` whole cents.
    pub const fn from_cents(value: i64) -> Self {
        Self(value * Self::PER_CENT)
    }

    /// Reads an amount as people write it: `5`, `5.00`, `$0.0001`. Exact.
    ///
    /// # Errors
    /// Says in words what is wrong with the text.
    pub fn parse_dollars(text: &str) -> Result<Self, AmountError> {
        let text = text.trim();
        let text = text.strip_prefix('$').unwrap_or(text).trim_start();
        let (dollars, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = format!("{dollars}{fraction}");
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(AmountError::NotAnAmount);
        }
        if fraction.len() > 9 {
            return Err(AmountError::TooFine);
        }
        format!("{dollars}{fraction:0<9}").parse().map(Self).map_err(|_| AmountError::TooLarge)
    }

    /// Never below zero.
    #[must_use]
    pub fn or_zero(self) -> Self {
        self.max(Self::ZERO)
    }

    /// Without the currency, for programs: `0.000123`, `-0.02`.
    pub fn to_decimal(self) -> String {
        self.to_string().replace('$', "")
    }

    /// Rounded down to whole cents, for what is left: never promises more than there is. `$0.49`.
    pub fn to_cents_text(self) -> String {
        let cents = self.0.div_euclid(Self::PER_CENT);
        let sign = if cents < 0 { "-" } else { "" };
        format!("{sign}${}.{:02}", cents.abs() / 100, cents.abs() % 100)
    }
}

/// Why a text is no amount of money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    #[error("Write an amount in dollars, such as 5 or 2.50.")]
    NotAnAmount,
    #[error("An amount has at most nine decimals.")]
    TooFine,
    #[error("This amount is too large.")]
    TooLarge,
}

/// Exact, with at least two decimals: `$0.000123`, `$1.50`, `-$0.02`.
impl fmt::Display for Nanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let value = self.0.unsigned_abs();
        let (dollars, nanos) = (value / Self::PER_DOLLAR as u64, value % Self::PER_DOLLAR as u64);
        let digits = format!("{nanos:09}");
        let kept = digits.trim_end_matches('0').len().max(2);
        write!(f, "{sign}${dollars}.{}", &digits[..kept])
    }
}

impl Add for Nanos {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Nanos {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl AddAssign for Nanos {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Nanos {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl Neg for Nanos {
    type Output = Self;

    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl Sum for Nanos {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::{AmountError, Nanos};

    #[test]
    fn amounts_are_read_as_people_write_them() {
        for (text, nanos) in [
            ("5", 5_000_000_000),
            (" $5.00 ", 5_000_000_000),
            ("0.000000001", 1),
            (".5", 500_000_000),
            ("2.", 2_000_000_000),
            ("0", 0),
        ] {
            assert_eq!(Nanos::parse_dollars(text), Ok(Nanos(nanos)), "{text}");
        }
    }

    #[test]
    fn what_is_no_amount_is_refused_in_words() {
        for text in ["", "$", ".", "-5", "5,00", "1e3", "five", "5 USD", "1.2.3", "+1"] {
            assert_eq!(Nanos::parse_dollars(text), Err(AmountError::NotAnAmount), "{text}");
        }
        assert_eq!(Nanos::parse_dollars("0.0000000001"), Err(AmountError::TooFine));
        assert_eq!(Nanos::parse_dollars("99999999999"), Err(AmountError::TooLarge));
    }

    #[test]
    fn amounts_are_written_exactly() {
        assert_eq!(Nanos(1_500_000_000).to_string(), "$1.50");
        assert_eq!(Nanos(123_000).to_string(), "$0.000123");
        assert_eq!(Nanos(-20_000_000).to_string(), "-$0.02");
        assert_eq!(Nanos(1).to_string(), "$0.000000001");
        assert_eq!(Nanos::ZERO.to_string(), "$0.00");
        assert_eq!(Nanos(-1_000_123_000).to_decimal(), "-1.000123");
    }

    #[test]
    fn what_is_left_is_rounded_down() {
        assert_eq!(Nanos(499_999_999).to_cents_text(), "$0.49");
        assert_eq!(Nanos::from_cents(50).to_cents_text(), "$0.50");
        assert_eq!(Nanos(-1).to_cents_text(), "-$0.01");
    }
}
