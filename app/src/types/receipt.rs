//! The receipt of one reply, and its arithmetic.

use std::fmt;
use std::iter::Sum;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{GenerationId, ModelPrices, Nanos, ReplyState, StatementEntry, ThreadLabel};

/// Why a reply cost what it cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    pub generation_id: GenerationId,
    pub thread: ThreadLabel,
    /// Its name.
    pub model: String,
    pub state: ReplyState,
    pub asked_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    /// What was set aside before it began.
    pub held: Nanos,
    /// None while it is being written.
    pub charge: Option<Charge>,
    /// Every time a provider was asked, in order.
    pub attempts: Vec<ReceiptAttempt>,
    /// What was posted for it, oldest first.
    pub entries: Vec<StatementEntry>,
}

/// What a reply used, at which prices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// All that was read, cached input included.
    pub input_tokens: u32,
    /// Of these, what the provider had read before.
    pub cached_input_tokens: u32,
    /// All that was written, reasoning included.
    pub output_tokens: u32,
    /// Of these, what was thought before the answer.
    pub reasoning_tokens: u32,
    /// The provider did not report all that was used, so we counted what it left out.
    pub is_estimated: bool,
    /// Counted from what was left behind; corrected if the reply is settled after all.
    pub is_provisional: bool,
    /// The key of the route that answered, where that is known.
    pub route: Option<String>,
    pub price_version: u32,
    /// Of that version.
    pub prices: ModelPrices,
    pub charged: Nanos,
    /// The day it counts for.
    pub settled_at: DateTime<Utc>,
}

/// One time a provider was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptAttempt {
    pub route: String,
    /// As recorded, such as `finished` or `overloaded`.
    pub outcome: String,
    /// The answer came from it. The others are never charged.
    pub is_used: bool,
    pub first_token_ms: Option<u32>,
    pub duration_ms: u32,
}

/// So many tokens at such a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChargeLine {
    pub tokens: u32,
    /// Of a million tokens.
    pub price: Nanos,
}

impl Charge {
    pub fn lines(&self) -> [ChargeLine; 3] {
        self.prices.lines(self.input_tokens, self.cached_input_tokens, self.output_tokens)
    }

    pub fn exact(&self) -> ExactAmount {
        self.prices.exact(self.input_tokens, self.cached_input_tokens, self.output_tokens)
    }
}

/// The one place where tokens become money, for what is held and charged as for the receipt.
impl ModelPrices {
    /// Tokens read anew, tokens the provider had read before, tokens written. `input` includes `cached_input`.
    pub fn lines(&self, input: u32, cached_input: u32, output: u32) -> [ChargeLine; 3] {
        let cached = cached_input.min(input);
        [
            ChargeLine { tokens: input - cached, price: self.input },
            ChargeLine { tokens: cached, price: self.cached_input },
            ChargeLine { tokens: output, price: self.output },
        ]
    }

    /// Their sum. A charge is that, rounded once.
    pub fn exact(&self, input: u32, cached_input: u32, output: u32) -> ExactAmount {
        self.lines(input, cached_input, output).into_iter().map(ChargeLine::product).sum()
    }
}

impl ChargeLine {
    pub fn product(self) -> ExactAmount {
        ExactAmount(i128::from(self.tokens) * i128::from(self.price.0))
    }
}

/// An amount before it is rounded to nano-dollars, in millionths of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExactAmount(i128);

impl ExactAmount {
    const PER_NANO: i128 = 1_000_000;

    /// To whole nano-dollars, half up.
    pub fn rounded(self) -> Nanos {
        let nanos = (self.0 + Self::PER_NANO / 2).div_euclid(Self::PER_NANO);
        Nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
    }
}

impl Sum for ExactAmount {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        Self(amounts.map(|amount| amount.0).sum())
    }
}

/// With all its decimals, at least two: `$0.0000000000125`.
impl fmt::Display for ExactAmount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let per_dollar = Self::PER_NANO * i128::from(Nanos::PER_DOLLAR);
        let decimals = format!("{:015}", self.0 % per_dollar);
        let kept = decimals.trim_end_matches('0').len().max(2);
        write!(f, "${}.{}", self.0 / per_dollar, &decimals[..kept])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn charge(input_tokens: u32, cached_input_tokens: u32, output_tokens: u32) -> Charge {
        let [input, cached_input, output] = [150_000_001, 75_000_000, 600_000_000].map(Nanos);
        Charge {
            input_tokens,
            cached_input_tokens,
            output_tokens,
            reasoning_tokens: 0,
            is_estimated: false,
            is_provisional: false,
            route: None,
            price_version: 1,
            prices: ModelPrices { input, cached_input, output },
            charged: Nanos::ZERO,
            settled_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn products_are_shown_to_the_last_digit_and_rounded_once() {
        let charge = charge(1_000, 400, 7);
        let products = charge.lines().map(|line| line.product().to_string());
        assert_eq!(products, ["$0.0000900000006", "$0.00003", "$0.0000042"]);
        assert_eq!(charge.exact().to_string(), "$0.0001242000006");
        assert_eq!(charge.exact().rounded(), Nanos(124_200));
    }

    #[test]
    fn half_a_nano_dollar_is_rounded_up() {
        assert_eq!(ExactAmount(499_999).rounded(), Nanos(0));
        assert_eq!(ExactAmount(500_000).rounded(), Nanos(1));
        assert_eq!(ExactAmount(0).to_string(), "$0.00");
    }

    #[test]
    fn more_cached_than_read_is_charged_once() {
        assert_eq!(charge(10, 90, 0).lines().map(|line| line.tokens), [0, 10, 0]);
    }
}
