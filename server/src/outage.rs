//! What is remembered of an outage, so that not everybody waits for what does not answer.

use std::time::{Duration, Instant};

/// During an outage, one caller in so long asks again, and everybody else goes on without.
const PAUSE: Duration = Duration::from_secs(1);

/// Of Redis, as whoever asks it knows.
#[derive(Debug, Default)]
pub(crate) struct Outage {
    /// None: there is no outage.
    ask_again_at: Option<Instant>,
}

impl Outage {
    /// It did not answer the last time it was asked.
    pub(crate) fn is_known(&self) -> bool {
        self.ask_again_at.is_some()
    }

    /// During an outage, true for one caller in each pause.
    pub(crate) fn may_ask(&mut self, now: Instant) -> bool {
        match self.ask_again_at {
            Some(at) if now < at => false,
            Some(_) => {
                self.ask_again_at = Some(now + PAUSE);
                true
            }
            None => true,
        }
    }

    /// True: it was not known yet.
    pub(crate) fn begin(&mut self, now: Instant) -> bool {
        self.ask_again_at.replace(now + PAUSE).is_none()
    }

    /// True: there was one.
    pub(crate) fn end(&mut self) -> bool {
        self.ask_again_at.take().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_caller_in_each_pause_asks_again() {
        let (mut outage, now) = (Outage::default(), Instant::now());
        assert!(outage.may_ask(now) && outage.may_ask(now));
        assert!(outage.begin(now));
        assert!(!outage.may_ask(now));
        assert!(outage.may_ask(now + PAUSE));
        assert!(!outage.may_ask(now + PAUSE), "somebody asks already");
        assert!(outage.end());
        assert!(outage.may_ask(now + PAUSE));
    }
}
