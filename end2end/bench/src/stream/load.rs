//! How many replies are read at once, and how fast they come.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::clock;
use crate::script::Script;

/// New replies per second until all are there.
const STARTS_PER_SECOND: u32 = 50;

/// All replies are open at the same time for so long.
const ALL_OPEN: Duration = Duration::from_secs(6);

/// A model thinks first; a short while is enough to tell the first chunk from the head of the answer.
const FIRST_AFTER: Duration = Duration::from_millis(100);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    pub streams: u32,
    pub chunks_per_second: u32,
    /// From the first start to the last one.
    pub ramp: Duration,
    pub all_open: Duration,
}

impl Load {
    pub fn new(streams: u32, chunks_per_second: u32) -> Self {
        let ramp = Duration::from_secs(1) * streams / STARTS_PER_SECOND;
        Self { streams, chunks_per_second, ramp, all_open: ALL_OPEN }
    }

    /// A few short replies, so that everything that is made on first use is there.
    pub fn warm_up() -> Self {
        Self { streams: 20, chunks_per_second: 20, ramp: Duration::ZERO, all_open: Duration::from_secs(1) }
    }

    /// When the stream of that index starts, after the first one.
    pub fn start_of(&self, index: u32) -> Duration {
        self.ramp * index / self.streams
    }

    /// Asked now. Streams that start together do not speak together: their chunks are spread evenly over the interval.
    pub fn script(&self, index: u32) -> Script {
        const GOLDEN_RATIO: f64 = 0.618_033_988_75;
        let interval = Duration::from_secs(1) / self.chunks_per_second;
        let phase = (f64::from(index) * GOLDEN_RATIO).fract();
        Script {
            asked_at: clock::now(),
            first_after: FIRST_AFTER + interval.mul_f64(phase),
            interval,
            chunks: ((self.ramp + self.all_open).as_secs_f64() * f64::from(self.chunks_per_second)) as u32,
        }
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.streams, self.chunks_per_second)
    }
}

impl FromStr for Load {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = text.split_once('x').and_then(|(streams, rate)| {
            let positive = |number: &str| number.parse().ok().filter(|number| *number > 0);
            Some(Self::new(positive(streams)?, positive(rate)?))
        });
        parsed.ok_or("must look like 50x20: streams, chunks per second of each")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_reads_as_it_is_written() {
        let load: Load = "50x20".parse().expect("valid");
        assert_eq!((load.streams, load.chunks_per_second), (50, 20));
        assert_eq!(load.to_string(), "50x20");
        for text in ["", "50", "0x20", "50x", "50x0", "50*20"] {
            assert!(text.parse::<Load>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_first_stream_still_speaks_while_the_last_one_has_been_open_for_a_while() {
        let load = Load::new(100, 10);
        let script = load.script(0);
        assert_eq!(script.interval * script.chunks, load.start_of(100) + ALL_OPEN);
    }
}
