//! How long things take, as counts in steps that can be added up: of a day, of a route, of many of both.

/// The upper ends of the steps in milliseconds, each a quarter longer than the one before. What takes longer than the last
/// counts as the last.
pub const STEPS_MS: [i32; 34] = [
    50, 63, 79, 99, 124, 155, 194, 242, 303, 378, 473, 591, 739, 924, 1_155, 1_443, 1_804, 2_255, 2_819,
    3_524, 4_405, 5_506, 6_883, 8_604, 10_755, 13_443, 16_804, 21_005, 26_257, 32_821, 41_026, 51_283,
    64_104, 80_130,
];

/// Within how many milliseconds this share of everything counted ended, taken as spread evenly over a step; so it is at most
/// a quarter off. `counts`: the end of a step and how often it was reached, in that order. None: nothing was counted.
pub fn percentile(counts: &[(i32, u64)], share: f64) -> Option<u32> {
    let all: u64 = counts.iter().map(|(_, count)| count).sum();
    let mut wanted = all as f64 * share;
    for (end, count) in counts.iter().filter(|(_, count)| *count > 0) {
        let count = *count as f64;
        if wanted <= count {
            let start = f64::from(start_of(*end));
            let within = start + (f64::from(*end) - start) * wanted / count;
            // In range: it is between two steps.
            return Some(within.round() as u32);
        }
        wanted -= count;
    }
    counts.last().filter(|_| all > 0).map(|(end, _)| end.unsigned_abs())
}

/// Where the step with this end begins.
fn start_of(end: i32) -> i32 {
    STEPS_MS.iter().rev().copied().find(|step| *step < end).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn count(times: &[u32]) -> Vec<(i32, u64)> {
        let within = |time: u32, index: usize| {
            let start = if index == 0 { 0 } else { STEPS_MS[index - 1] };
            (start..=STEPS_MS[index]).contains(&i32::try_from(time).expect("short"))
                && time != start.unsigned_abs()
        };
        let counts = (0..STEPS_MS.len()).map(|index| {
            let reached = times.iter().filter(|time| within(**time, index)).count();
            (STEPS_MS[index], reached as u64)
        });
        counts.filter(|(_, count)| *count > 0).collect()
    }

    #[test]
    fn nothing_counted_has_no_percentile() {
        assert_eq!(percentile(&[], 0.5), None);
        assert_eq!(percentile(&[(50, 0)], 0.5), None);
    }

    #[test]
    fn the_middle_of_one_step_is_the_middle() {
        assert_eq!(percentile(&[(50, 4)], 0.5), Some(25));
        assert_eq!(percentile(&[(50, 1), (63, 1)], 0.5), Some(50));
        assert_eq!(percentile(&[(50, 1), (63, 1)], 1.0), Some(63));
    }

    #[test]
    fn each_step_is_a_quarter_longer_than_the_one_before() {
        for pair in STEPS_MS.windows(2) {
            let ratio = f64::from(pair[1]) / f64::from(pair[0]);
            assert!((1.24..1.27).contains(&ratio), "{pair:?}");
        }
    }

    proptest! {
        #[test]
        fn a_percentile_is_a_quarter_off_at_most(
            mut times in prop::collection::vec(50u32..80_000, 1..200), share in 0.01f64..1.0,
        ) {
            times.sort_unstable();
            let rank = ((times.len() as f64 * share).ceil() as usize).clamp(1, times.len());
            let exact = f64::from(times[rank - 1]);
            let told = f64::from(percentile(&count(&times), share).expect("something was counted"));
            prop_assert!(told <= exact * 1.27 && told >= exact / 1.27, "{told} is not {exact}");
        }
    }
}
