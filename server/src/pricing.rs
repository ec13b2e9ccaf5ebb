//! The arithmetic of money, in integers: what tokens cost, and what is set aside for them.

use app::types::{ModelPrices, Nanos, ToolCall};

use crate::output::Output;

/// Tokens a reply used, the same for every provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenUsage {
    /// All that was read, cached input included.
    pub input_tokens: u32,
    /// Of these, what the provider had read before.
    pub cached_input_tokens: u32,
    /// All that was written, reasoning included.
    pub output_tokens: u32,
    /// Of these, what was thought before the answer.
    pub reasoning_tokens: u32,
}

impl TokenUsage {
    /// Of what was read, what the provider had not read before.
    pub fn uncached_input_tokens(&self) -> u32 {
        self.input_tokens.saturating_sub(self.cached_input_tokens)
    }

    /// Of what was written, what is not reasoning.
    pub fn answer_tokens(&self) -> u32 {
        self.output_tokens.saturating_sub(self.reasoning_tokens)
    }

    /// All that was read and written.
    pub fn total(&self) -> u32 {
        self.input_tokens.saturating_add(self.output_tokens)
    }

    /// What these tokens cost, rounded half up once, at the end.
    pub fn cost(&self, prices: ModelPrices) -> Nanos {
        prices.exact(self.input_tokens, self.cached_input_tokens, self.output_tokens).rounded()
    }
}

/// A part of a whole, from none of it to all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    part: i64,
    whole: i64,
}

impl Part {
    pub const ALL: Self = Self { part: 1, whole: 1 };

    /// Of nothing, everything is a whole.
    pub fn new(part: i64, whole: i64) -> Self {
        if whole <= 0 { Self::ALL } else { Self { part: part.clamp(0, whole), whole } }
    }

    /// That part of an amount, rounded half up.
    pub fn of(self, amount: Nanos) -> Nanos {
        let exact = i128::from(amount.0) * i128::from(self.part) * 2 + i128::from(self.whole);
        Nanos(i64::try_from(exact.div_euclid(i128::from(self.whole) * 2)).unwrap_or(i64::MAX))
    }
}

/// What a reply wants to set aside before it begins.
#[derive(Clone, Copy, Debug)]
pub struct HoldRequest {
    pub prices: ModelPrices,
    pub input_tokens: u32,
    /// The longest answer wanted.
    pub output_tokens: u32,
    /// A shorter answer would be of no use.
    pub min_output_tokens: u32,
}

/// What is set aside, and how long the answer may become for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldTerms {
    pub amount: Nanos,
    pub output_tokens: u32,
}

impl HoldRequest {
    /// What the longest answer wanted may cost.
    pub fn largest(&self) -> Nanos {
        self.terms(self.output_tokens).amount
    }

    /// The longest useful answer that `available` covers; None when even the shortest does not fit.
    pub fn fit(&self, available: Nanos) -> Option<HoldTerms> {
        let useful = self.min_output_tokens.min(self.output_tokens);
        (self.terms(useful).amount <= available).then_some(())?;
        let wanted = self.terms(self.output_tokens);
        if wanted.amount <= available {
            return Some(wanted);
        }
        // The price only grows with the length, so halving finds the longest answer that fits.
        let (mut fits, mut too_long) = (useful, self.output_tokens);
        while too_long - fits > 1 {
            let middle = fits + (too_long - fits) / 2;
            if self.terms(middle).amount <= available { fits = middle } else { too_long = middle }
        }
        Some(self.terms(fits))
    }

    fn terms(&self, output_tokens: u32) -> HoldTerms {
        let usage = TokenUsage { input_tokens: self.input_tokens, output_tokens, ..TokenUsage::default() };
        HoldTerms { amount: usage.cost(self.prices), output_tokens }
    }
}

/// How many tokens a text may be, when nobody has counted them: one for every three bytes, rounded up. Models read bytes:
/// English has about four of them a token, so this errs on the careful side, and a character of Chinese or Japanese is
/// three bytes and about one token.
pub fn estimate_tokens(text: &str) -> u32 {
    u32::try_from(text.len().div_ceil(3)).unwrap_or(u32::MAX)
}

/// The same of tools that are to be called.
pub fn estimate_tool_calls(calls: &[ToolCall]) -> u32 {
    u32::try_from(calls.iter().map(|call| call.bytes().div_ceil(3)).sum::<usize>()).unwrap_or(u32::MAX)
}

/// The same of what a model has said, which was to be no longer than that.
pub fn estimate_output(output: &Output, most_output_tokens: u32) -> TokenUsage {
    let reasoning_tokens = estimate_tokens(&output.reasoning);
    let answer_tokens = estimate_tokens(&output.text).saturating_add(estimate_tool_calls(&output.tool_calls));
    TokenUsage {
        output_tokens: answer_tokens.saturating_add(reasoning_tokens).min(most_output_tokens),
        reasoning_tokens: reasoning_tokens.min(most_output_tokens),
        ..TokenUsage::default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn prices(input: i64, output: i64) -> ModelPrices {
        ModelPrices { input: Nanos(input), cached_input: Nanos(input / 2), output: Nanos(output) }
    }

    fn usage(input_tokens: u32, output_tokens: u32) -> TokenUsage {
        TokenUsage { input_tokens, output_tokens, ..TokenUsage::default() }
    }

    fn request(
        (input, output): (i64, i64),
        input_tokens: u32,
        output_tokens: u32,
        min_output_tokens: u32,
    ) -> HoldRequest {
        HoldRequest { prices: prices(input, output), input_tokens, output_tokens, min_output_tokens }
    }

    #[test]
    fn tokens_are_estimated_alike_in_every_script() {
        let estimates = ["", "a", "abc", "abcd", "价格说明", "ценник", "🧵"].map(estimate_tokens);
        assert_eq!(estimates, [0, 1, 1, 2, 4, 4, 2]);
    }

    #[test]
    fn a_part_is_rounded_half_up_and_never_more_than_the_whole() {
        let amount = Nanos(101);
        assert_eq!(Part::new(1, 2).of(amount), Nanos(51));
        assert_eq!(Part::new(1, 3).of(amount), Nanos(34));
        assert_eq!(Part::new(5, 3).of(amount), amount);
        assert_eq!(Part::new(-1, 3).of(amount), Nanos::ZERO);
        assert_eq!(Part::new(0, 0).of(amount), amount);
        assert_eq!(Part::new(i64::MAX - 1, i64::MAX).of(Nanos(i64::MAX)), Nanos(i64::MAX - 1));
    }

    #[test]
    fn a_charge_is_rounded_half_up_once() {
        let prices = prices(250_000, 250_000);
        assert_eq!(usage(1, 0).cost(prices), Nanos(0));
        assert_eq!(usage(1, 1).cost(prices), Nanos(1));
    }

    #[test]
    fn cached_input_is_charged_once_at_its_own_price() {
        let cached = TokenUsage { cached_input_tokens: 600, ..usage(1000, 0) };
        assert_eq!(cached.cost(prices(1_000_000, 0)), Nanos(400 + 300));
    }

    #[test]
    fn the_dearest_model_and_the_longest_text_do_not_overflow() {
        assert_eq!(usage(u32::MAX, u32::MAX).cost(prices(i64::MAX, i64::MAX)), Nanos(i64::MAX));
    }

    #[test]
    fn an_answer_is_shortened_to_what_is_affordable() {
        let terms = request((0, 1_000_000), 0, 1000, 64).fit(Nanos(500));
        assert_eq!(terms, Some(HoldTerms { amount: Nanos(500), output_tokens: 500 }));
    }

    #[test]
    fn an_answer_too_short_to_be_useful_does_not_fit() {
        assert_eq!(request((0, 1_000_000), 0, 1000, 64).fit(Nanos(63)), None);
    }

    #[test]
    fn a_short_answer_that_was_asked_for_fits_below_the_useful_minimum() {
        let terms = request((0, 1_000_000), 0, 10, 64).fit(Nanos(10));
        assert_eq!(terms, Some(HoldTerms { amount: Nanos(10), output_tokens: 10 }));
    }

    #[test]
    fn nothing_fits_a_negative_balance() {
        assert_eq!(request((0, 1), 0, 1, 1).fit(Nanos(-1)), None);
    }

    proptest! {
        #[test]
        fn a_hold_never_exceeds_what_is_available_and_is_as_long_as_possible(
            prices in (0i64..1_000_000_000, 0i64..1_000_000_000),
            input in 0u32..100_000,
            output in 1u32..100_000,
            available in -1_000i64..100_000_000_000,
        ) {
            let request = request(prices, input, output, 1);
            match request.fit(Nanos(available)) {
                Some(terms) => {
                    prop_assert!(terms.amount <= Nanos(available));
                    prop_assert!(terms.output_tokens <= output);
                    let longer = request.terms(terms.output_tokens + 1);
                    prop_assert!(terms.output_tokens == output || longer.amount > Nanos(available));
                }
                None => prop_assert!(request.terms(1).amount > Nanos(available)),
            }
        }
    }
}
