//! Many requests at a time, for a while, and what came of it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use futures::future::try_join_all;

use super::Served;
use crate::Result;
use crate::stats::{Summary, median};

/// A while of one kind.
#[derive(Clone, Copy, Debug)]
pub struct Round {
    admission_ms: Summary,
    settlement_ms: Summary,
    total_ms: Summary,
    per_second: f64,
}

impl fmt::Display for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { admission_ms, settlement_ms, total_ms, per_second } = self;
        write!(
            f,
            "admission {:.2} (p99 {:.2}), settlement {:.2} (p99 {:.2}), both {:.2} ms, {per_second:.0}/s",
            admission_ms.p50, admission_ms.p99, settlement_ms.p50, settlement_ms.p99, total_ms.p50
        )
    }
}

/// So many callers serve one request after another until the time is over; a first tenth of it does not count.
pub async fn measure(
    time: Duration,
    concurrency: usize,
    serve: impl AsyncFn() -> Result<Served>,
) -> Result<Round> {
    let warm_at = Instant::now() + time / 10;
    let end = warm_at + time;
    let caller = async || {
        let mut all = Vec::new();
        while Instant::now() < end {
            let begins = Instant::now();
            let served = serve().await?;
            if begins >= warm_at {
                all.push(served);
            }
        }
        Result::Ok(all)
    };
    let served = try_join_all((0..concurrency).map(|_| caller())).await?.concat();
    let summary = |part: fn(&Served) -> Duration| {
        Summary::of(served.iter().map(|served| part(served).as_secs_f64() * 1000.0).collect())
    };
    Ok(Round {
        admission_ms: summary(|served| served.admission),
        settlement_ms: summary(|served| served.settlement),
        total_ms: summary(|served| served.admission + served.settlement),
        per_second: served.len() as f64 / time.as_secs_f64(),
    })
}

/// All rounds, by figure.
#[derive(Debug, Default)]
pub struct Figures(BTreeMap<String, Vec<f64>>);

impl Figures {
    pub fn add(&mut self, name: &str, ours: &Round, floor: &Round) {
        let figures = [
            ("admission_ms_p50", ours.admission_ms.p50),
            ("admission_ms_p99", ours.admission_ms.p99),
            ("settlement_ms_p50", ours.settlement_ms.p50),
            ("settlement_ms_p99", ours.settlement_ms.p99),
            ("both_ms_p50", ours.total_ms.p50),
            ("per_second", ours.per_second),
            ("floor_ms_p50", floor.total_ms.p50),
            ("floor_per_second", floor.per_second),
            ("ratio", ours.total_ms.p50 / floor.total_ms.p50),
            ("ratio_of_admissions", ours.admission_ms.p50 / floor.admission_ms.p50),
        ];
        for (figure, value) in figures {
            self.0.entry(format!("{figure}_{name}")).or_default().push(value);
        }
    }
}

/// `figure=value` pairs: medians over the rounds.
impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pair =
            |(name, values): (&String, &Vec<f64>)| format!("{name}={:.2}", median(&mut values.clone()));
        f.write_str(&self.0.iter().map(pair).collect::<Vec<_>>().join(" "))
    }
}
