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
    use super::Nanos;

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
