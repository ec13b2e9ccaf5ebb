//! From journeys and costs to the figures that are reported.

use super::load::Load;
use super::reading::Journey;
use super::watch::Cost;
use crate::stats::{Summary, median};

/// Figures by name; rounds of one load have the same names in the same order.
pub type Figures = Vec<(&'static str, f64)>;

/// Must be zero, so the worst round counts.
const HELD: &str = "db_connections_held";

/// Everything one round of one load has shown.
pub struct Round {
    pub through_product: Vec<Journey>,
    pub direct: Vec<Journey>,
    /// From asking the product to the upstream's being asked, in nanoseconds.
    pub admissions: Vec<u64>,
    pub cost: Cost,
    /// Of the idle server, before.
    pub idle_kb: u64,
}

impl Round {
    pub fn figures(&self, load: &Load) -> Figures {
        let (first, first_direct) = (summary(&self.through_product, true), summary(&self.direct, true));
        let (chunk, chunk_direct) = (summary(&self.through_product, false), summary(&self.direct, false));
        let admission = Summary::of(self.admissions.iter().map(|nanos| to_millis(*nanos)).collect());
        let cost = &self.cost;
        let is_costed = |journey: &&Journey| (cost.from..cost.to).contains(&journey.sent_at);
        let chunks = self.through_product.iter().filter(is_costed).count() as f64;
        let grown_kb = cost.resident_kb.saturating_sub(self.idle_kb);
        vec![
            ("first_added_p50_ms", first.p50 - first_direct.p50),
            ("first_added_p99_ms", first.p99 - first_direct.p99),
            ("first_direct_p50_ms", first_direct.p50),
            ("first_direct_p99_ms", first_direct.p99),
            ("chunk_added_p50_ms", chunk.p50 - chunk_direct.p50),
            ("chunk_added_p99_ms", chunk.p99 - chunk_direct.p99),
            ("chunk_direct_p50_ms", chunk_direct.p50),
            ("chunk_direct_p99_ms", chunk_direct.p99),
            ("admission_p50_ms", admission.p50),
            ("admission_p99_ms", admission.p99),
            ("cpu_us_per_chunk", cost.server.as_secs_f64() * 1e6 / chunks),
            ("redis_cpu_us_per_chunk", cost.redis.as_secs_f64() * 1e6 / chunks),
            ("memory_kb_per_stream", grown_kb as f64 / f64::from(load.streams)),
            (HELD, cost.held_connections as f64),
        ]
    }
}

/// Of the first chunks of all streams, or of the later ones, in milliseconds.
fn summary(journeys: &[Journey], is_first: bool) -> Summary {
    let wanted = journeys.iter().filter(|journey| journey.is_first == is_first);
    Summary::of(wanted.map(|journey| to_millis(journey.took)).collect())
}

fn to_millis(nanos: u64) -> f64 {
    nanos as f64 / 1e6
}

/// One value for each figure: the median of the rounds.
pub fn over_rounds(rounds: &[Figures]) -> Figures {
    let names = rounds.first().into_iter().flatten().map(|(name, _)| *name);
    let value = |(index, name): (usize, &'static str)| {
        let mut values: Vec<f64> = rounds.iter().map(|figures| figures[index].1).collect();
        let worst = values.iter().copied().fold(0.0, f64::max);
        (name, if name == HELD { worst } else { median(&mut values) })
    };
    names.enumerate().map(value).collect()
}

/// `name=value` pairs, each name with the suffix.
pub fn line(figures: &Figures, suffix: &str) -> String {
    let pairs: Vec<_> =
        figures.iter().map(|(name, value)| format!("{name}{suffix}={}", short(*value))).collect();
    pairs.join(" ")
}

fn short(value: f64) -> String {
    match value {
        _ if value == value.trunc() => format!("{value}"),
        _ if value.abs() < 10.0 => format!("{value:.2}"),
        _ => format!("{value:.1}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_are_summed_up_by_their_median_but_a_held_connection_is_never_hidden() {
        let rounds =
            [(0.5, 0.0), (12.25, 1.0), (0.75, 0.0)].map(|(cpu, held)| vec![("cpu", cpu), (HELD, held)]);
        assert_eq!(line(&over_rounds(&rounds), "_50"), "cpu_50=0.75 db_connections_held_50=1");
    }
}
