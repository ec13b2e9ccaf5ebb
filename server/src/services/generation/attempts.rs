//! Failure policy, in one place: which route is asked, how often, and when to give up.
//!
//! One budget for retries and fallbacks together; another route at once, the same one after a pause; never again after
//! the first visible event. A retry also needs a token of the process-wide budget, so that an outage cannot multiply the
//! load on a provider that is down.
//!
//! A refusal may be about the request, or about our account there, which some say with the status of a wrong request. Where
//! their words for it are known, it is no refusal, and the account is asked on none of its routes. Any other is believed only
//! when another account is asked once and does not answer either.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use app::ModelFailure;

use crate::providers::llm::LlmError;

/// All attempts of one reply, the first included.
const MOST_ATTEMPTS: usize = 3;

const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// A provider that asks for a longer pause is not asked again for this reply.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(5);

/// The attempts of one reply over its routes, in order of preference.
pub(super) struct AttemptPlan<A> {
    tries: Vec<Tries<A>>,
    /// Somebody would not answer this request, so one more is asked.
    was_refused: bool,
}

struct Tries<A> {
    /// With whom, and by whose key.
    account: A,
    failed: u32,
    /// Asking again cannot help.
    is_given_up: bool,
    retry_after: Option<Duration>,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Next {
    pub(super) route: usize,
    /// The same route was asked before.
    pub(super) is_retry: bool,
    /// Wait for a random part of this time, at least for `at_least`.
    pub(super) pause: Duration,
    pub(super) at_least: Duration,
}

impl<A: Copy + PartialEq> AttemptPlan<A> {
    /// For routes by these accounts with providers.
    pub(super) fn new(accounts: impl IntoIterator<Item = A>) -> Self {
        let tries = |account| Tries { account, failed: 0, is_given_up: false, retry_after: None };
        Self { tries: accounts.into_iter().map(tries).collect(), was_refused: false }
    }

    /// The routes that may still be asked, best first: those not tried before those that failed.
    pub(super) fn candidates(&self) -> Vec<Next> {
        if self.attempts() >= MOST_ATTEMPTS {
            return vec![];
        }
        let mut candidates: Vec<_> = (0..self.tries.len())
            .filter(|route| !self.tries[*route].is_given_up)
            .map(|route| self.next(route))
            .collect();
        candidates.sort_by_key(|next| self.tries[next.route].failed);
        candidates
    }

    pub(super) fn failed(&mut self, route: usize, error: &LlmError) {
        let tries = &mut self.tries[route];
        tries.failed += 1;
        tries.retry_after = error.retry_after;
        tries.is_given_up = !error.is_passing || error.retry_after > Some(LONGEST_RETRY_AFTER);
        let is_refused = error.failure == ModelFailure::Refused;
        let account = tries.account;
        let is_over = self.was_refused || error.failure == ModelFailure::Filtered;
        for tries in &mut self.tries {
            tries.is_given_up |= is_over || ((is_refused || error.is_of_account) && tries.account == account);
        }
        self.was_refused |= is_refused;
    }

    fn attempts(&self) -> usize {
        self.tries.iter().map(|tries| tries.failed as usize).sum()
    }

    fn next(&self, route: usize) -> Next {
        let tries = &self.tries[route];
        let pause = match tries.failed {
            0 => Duration::ZERO,
            failed => FIRST_PAUSE.saturating_mul(1 << (failed - 1).min(8)).min(LONGEST_PAUSE),
        };
        Next { route, is_retry: tries.failed > 0, pause, at_least: tries.retry_after.unwrap_or_default() }
    }
}

impl Next {
    /// Full jitter: callers that failed together do not come back together.
    pub(super) fn random_pause(&self) -> Duration {
        self.at_least + self.pause.mul_f64(rand::random::<f64>())
    }
}

/// Retries of this process: each first attempt earns a tenth of one, and a few are there to begin with.
#[derive(Clone)]
pub(super) struct RetryBudget(Arc<Mutex<u32>>);

impl RetryBudget {
    const PER_RETRY: u32 = 10;
    const MOST: u32 = 10 * Self::PER_RETRY;

    pub(super) fn deposit(&self) {
        let mut tenths = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *tenths = (*tenths + 1).min(Self::MOST);
    }

    /// False: too many retries lately.
    pub(super) fn withdraw(&self) -> bool {
        let mut tenths = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left = tenths.checked_sub(Self::PER_RETRY);
        *tenths = left.unwrap_or(*tenths);
        left.is_some()
    }

    /// The retry was not made after all.
    pub(super) fn refund(&self) {
        let mut tenths = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *tenths = (*tenths + Self::PER_RETRY).min(Self::MOST);
    }
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Self::MOST)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(failure: ModelFailure, is_passing: bool, retry_after_seconds: Option<u64>) -> LlmError {
        let retry_after = retry_after_seconds.map(Duration::from_secs);
        LlmError {
            failure,
            detail: String::new(),
            param: None,
            is_passing,
            is_of_account: false,
            retry_after,
        }
    }

    fn passing() -> LlmError {
        error(ModelFailure::Unavailable, true, None)
    }

    fn refused() -> LlmError {
        error(ModelFailure::Refused, false, None)
    }

    fn routes(plan: &AttemptPlan<&str>) -> Vec<usize> {
        plan.candidates().iter().map(|next| next.route).collect()
    }

    /// <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>
    #[test]
    fn pauses_double_and_any_part_of_them_is_waited_for() {
        let mut plan = AttemptPlan::new(["a"]);
        let mut pauses = Vec::new();
        for _ in 0..2 {
            plan.failed(0, &passing());
            let next = plan.candidates()[0];
            pauses.push(next.pause);
            let waits: Vec<_> = (0..100).map(|_| next.random_pause()).collect();
            assert!(waits.iter().all(|wait| *wait <= next.pause), "{waits:?}");
            let (least, most) = (waits.iter().min().copied(), waits.iter().max().copied());
            assert!(least < Some(next.pause / 4) && most > Some(next.pause / 4 * 3), "{least:?} to {most:?}");
        }
        assert_eq!(pauses, [FIRST_PAUSE, 2 * FIRST_PAUSE]);
    }

    #[test]
    fn another_route_comes_before_the_same_one_again() {
        let mut plan = AttemptPlan::new(["a", "b"]);
        assert_eq!(routes(&plan), [0, 1]);
        plan.failed(0, &passing());
        assert_eq!(routes(&plan), [1, 0]);
        assert_eq!(plan.candidates()[0].random_pause(), Duration::ZERO);
        assert!(plan.candidates()[1].is_retry);
    }

    #[test]
    fn three_attempts_are_all() {
        let mut plan = AttemptPlan::new(["a", "b"]);
        for _ in 0..3 {
            let next = plan.candidates()[0];
            plan.failed(next.route, &passing());
        }
        assert!(plan.candidates().is_empty());
    }

    #[test]
    fn a_wrong_key_is_not_tried_again_but_another_route_is() {
        let mut plan = AttemptPlan::new(["a", "b"]);
        plan.failed(0, &error(ModelFailure::Unavailable, false, None));
        assert_eq!(routes(&plan), [1]);
    }

    #[test]
    fn after_a_refusal_one_route_by_another_account_is_asked() {
        let mut plan = AttemptPlan::new(["a", "a", "b", "c"]);
        plan.failed(0, &refused());
        assert_eq!(routes(&plan), [2, 3]);
        plan.failed(2, &refused());
        assert!(plan.candidates().is_empty(), "two are enough");

        let mut plan = AttemptPlan::new(["a", "b", "c"]);
        plan.failed(0, &refused());
        plan.failed(1, &passing());
        assert!(plan.candidates().is_empty(), "the second is asked once, whatever becomes of it");
    }

    #[test]
    fn an_account_that_is_good_for_no_answer_is_asked_on_none_of_its_routes() {
        let mut plan = AttemptPlan::new(["a", "a", "b"]);
        let of_account = LlmError { is_of_account: true, ..error(ModelFailure::Unavailable, false, None) };
        plan.failed(0, &of_account);
        assert_eq!(routes(&plan), [2]);
        plan.failed(2, &passing());
        assert_eq!(routes(&plan), [2], "it was no refusal, so the other is tried again");
    }

    #[test]
    fn what_a_filter_ends_is_taken_to_nobody_else() {
        let mut plan = AttemptPlan::new(["a", "b"]);
        plan.failed(0, &error(ModelFailure::Filtered, false, None));
        assert!(plan.candidates().is_empty());
    }

    #[test]
    fn a_pause_the_provider_asks_for_is_kept_if_it_is_short() {
        let mut plan = AttemptPlan::new(["a"]);
        plan.failed(0, &error(ModelFailure::Overloaded, true, Some(2)));
        let pause = plan.candidates()[0].random_pause();
        assert!(pause >= Duration::from_secs(2) && pause <= Duration::from_secs(2) + FIRST_PAUSE);
        plan.failed(0, &error(ModelFailure::Overloaded, true, Some(60)));
        assert!(plan.candidates().is_empty());
    }

    #[test]
    fn retries_are_at_most_a_tenth_of_all_calls_in_the_long_run() {
        let budget = RetryBudget::default();
        let mut retries = 0;
        for _ in 0..1000 {
            budget.deposit();
            while budget.withdraw() {
                retries += 1;
            }
        }
        assert!((100..=110).contains(&retries), "{retries}");
    }
    #[test]
    fn a_retry_that_is_not_made_costs_nothing() {
        let budget = RetryBudget::default();
        for _ in 0..1000 {
            assert!(budget.withdraw());
            budget.refund();
        }
    }
}
