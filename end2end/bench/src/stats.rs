//! Numbers about many numbers.

/// The middle and the slow end of many samples.
#[derive(Clone, Copy, Debug)]
pub struct Summary {
    pub p50: f64,
    pub p99: f64,
}

impl Summary {
    pub fn of(mut samples: Vec<f64>) -> Self {
        Self { p50: quantile(&mut samples, 0.5), p99: quantile(&mut samples, 0.99) }
    }
}

/// The smallest sample that at least `q` (0 to 1) of all samples do not exceed; 0 without samples.
pub fn quantile(samples: &mut [f64], q: f64) -> f64 {
    samples.sort_unstable_by(f64::total_cmp);
    let rank = (samples.len() as f64 * q).ceil() as usize;
    samples.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
}

/// The middle one of a few values, or the mean of the two in the middle.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        count => f64::midpoint(values[(count - 1) / 2], values[count / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_samples() {
        let mut samples: Vec<f64> = (1..=200).rev().map(f64::from).collect();
        assert_eq!(quantile(&mut samples, 0.5), 100.0);
        assert_eq!(quantile(&mut samples, 0.99), 198.0);
        assert_eq!(quantile(&mut samples, 1.0), 200.0);
    }

    #[test]
    fn the_median_of_two_rounds_hides_neither() {
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&mut [4.0, 1.0]), 2.5);
        assert_eq!(median(&mut []), 0.0);
    }
}
