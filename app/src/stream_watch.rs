//! When a stream has to be given up and taken up again, though nothing says that it broke.
//!
//! A phone that slept, or a network that went away without a word, leaves a stream open that never says anything again.
//! The server sends an empty line whenever it has had nothing to say for 15 seconds, so silence means that it is gone.

use chrono::{DateTime, TimeDelta, Utc};

/// When one stream was last heard, and since when nobody looks at the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamWatch {
    heard_at: DateTime<Utc>,
    has_begun: bool,
    hidden_at: Option<DateTime<Utc>>,
}

impl StreamWatch {
    /// Three times what the server lets pass without a word.
    const SILENCE: TimeDelta = TimeDelta::seconds(45);
    const HIDDEN: TimeDelta = TimeDelta::seconds(20);

    /// A stream that was asked for now.
    pub fn new(now: DateTime<Utc>, is_hidden: bool) -> Self {
        Self { heard_at: now, has_begun: false, hidden_at: is_hidden.then_some(now) }
    }

    /// Bytes arrived, whatever they say.
    #[must_use]
    pub fn heard(self, now: DateTime<Utc>) -> Self {
        Self { heard_at: now, has_begun: true, ..self }
    }

    /// Looks at the page, every few seconds and whenever it is hidden or shown. Whether the stream must be given up: it
    /// was silent for too long, or had begun and nobody saw whether it survived.
    #[must_use]
    pub fn look(self, now: DateTime<Utc>, is_hidden: bool) -> (Self, bool) {
        let is_back = !is_hidden && self.hidden_at.is_some_and(|at| now - at > Self::HIDDEN);
        let is_silent = now - self.heard_at >= Self::SILENCE;
        let hidden_at = is_hidden.then(|| self.hidden_at.unwrap_or(now));
        (Self { hidden_at, ..self }, is_silent || (is_back && self.has_begun))
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::StreamWatch;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).expect("a time")
    }

    fn gives_up(watch: StreamWatch, seconds: i64, is_hidden: bool) -> bool {
        watch.look(at(seconds), is_hidden).1
    }

    #[test]
    fn silence_ends_a_stream_and_any_byte_keeps_it() {
        let watch = StreamWatch::new(at(0), false);
        assert!(!gives_up(watch, 44, false));
        assert!(gives_up(watch, 45, false), "also one that never began");
        let watch = watch.heard(at(40));
        assert!(!gives_up(watch, 84, false));
        assert!(gives_up(watch, 85, true), "also while nobody looks");
    }

    #[test]
    fn a_page_that_was_away_for_long_takes_its_stream_up_again() {
        let (watch, _) = StreamWatch::new(at(0), false).heard(at(1)).look(at(10), true);
        let watch = watch.heard(at(25));
        assert!(!gives_up(watch, 30, false), "20 seconds are not long");
        assert!(!gives_up(watch, 31, true), "it is still away");
        let (watch, must_give_up) = watch.look(at(31), false);
        assert!(must_give_up);
        assert!(!gives_up(watch, 32, false), "once");
    }

    #[test]
    fn each_time_away_counts_for_itself() {
        let mut watch = StreamWatch::new(at(0), true).heard(at(1));
        for second in 1..40 {
            let (next, must_give_up) = watch.heard(at(second)).look(at(second), second % 10 != 0);
            assert!(!must_give_up, "{second}");
            watch = next;
        }
    }

    #[test]
    fn what_is_only_asked_for_is_not_dropped_because_the_page_comes_back() {
        let watch = StreamWatch::new(at(0), true);
        assert!(!gives_up(watch, 30, false));
        assert!(gives_up(watch.heard(at(29)), 30, false));
    }
}
