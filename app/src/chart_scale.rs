//! How high the bars of a chart are.

/// From nothing up to a round amount that no bar exceeds, in whatever is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChartScale {
    pub top: i64,
}

impl ChartScale {
    /// Of the whole chart.
    pub const HEIGHT: i64 = 1_000;
    /// Whatever is not nothing can be seen.
    const LEAST: i64 = 12;

    /// The smallest of 1, 2 and 5, with zeros, that is not below `most`.
    pub fn up_to(most: i64) -> Self {
        let mut step = 10_i64;
        loop {
            for factor in [1, 2, 5] {
                let top = step.saturating_mul(factor);
                if top >= most || top == i64::MAX {
                    return Self { top };
                }
            }
            step = step.saturating_mul(10);
        }
    }

    pub fn half(self) -> i64 {
        self.top / 2
    }

    pub fn height(self, amount: i64) -> i64 {
        if amount <= 0 {
            return 0;
        }
        let height = i128::from(amount) * i128::from(Self::HEIGHT) / i128::from(self.top);
        i64::try_from(height).unwrap_or(Self::HEIGHT).clamp(Self::LEAST, Self::HEIGHT)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::ChartScale;

    #[test]
    fn the_top_is_a_round_amount() {
        let top = |most| ChartScale::up_to(most).top;
        assert_eq!(
            [0, 10, 11, 21, 51, 123_456, 500_000_000].map(top),
            [10, 10, 20, 50, 100, 200_000, 500_000_000]
        );
        assert_eq!(ChartScale::up_to(3).half(), 5);
    }

    #[test]
    fn a_small_bar_can_be_seen_and_no_bar_is_none() {
        let scale = ChartScale::up_to(1_000_000);
        assert_eq!(
            [0, 1, 500_000, 1_000_000].map(|amount| scale.height(amount)),
            [0, ChartScale::LEAST, 500, 1_000]
        );
    }

    proptest! {
        #[test]
        fn every_bar_fits(most in 0i64.., other in 0i64..) {
            let amount = other.min(most);
            prop_assert!((0..=ChartScale::HEIGHT).contains(&ChartScale::up_to(most).height(amount)));
        }
    }
}
