//! What is read again and again, and kept for a moment.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A value that every request needs. It is read anew once its time is over: by one request, while the others go on with the last
/// value. What cannot be read stays as it was. Unless it is strict: then nobody is given what is old.
#[derive(Clone)]
pub(crate) struct Cached<T> {
    lifetime: Duration,
    is_strict: bool,
    state: Arc<Mutex<State<T>>>,
}

struct State<T> {
    kept: Option<Kept<T>>,
    /// How often it was changed here. What was read before a change is not fresh after it.
    changes: u64,
}

struct Kept<T> {
    /// None: it is to be read anew.
    read_at: Option<Instant>,
    value: T,
}

impl<T: Clone> Cached<T> {
    pub(crate) fn new(lifetime: Duration) -> Self {
        let state = Arc::new(Mutex::new(State { kept: None, changes: 0 }));
        Self { lifetime, is_strict: false, state }
    }

    /// Whoever finds an old value reads it anew, and has an error when that fails.
    pub(crate) fn strict(lifetime: Duration) -> Self {
        Self { is_strict: true, ..Self::new(lifetime) }
    }

    /// # Errors
    /// Those of `load`, while there is no earlier value, or no fresh one where that counts.
    pub(crate) async fn get<E>(&self, load: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let (last, changes) = match self.look() {
            Look::Fresh(value) => return Ok(value),
            Look::Old(value, changes) => (Some(value), changes),
            Look::Nothing(changes) => (None, changes),
        };
        match (load.await, last) {
            (Ok(value), _) => {
                let mut state = self.lock();
                let read_at = (state.changes == changes).then(Instant::now);
                state.kept = Some(Kept { read_at, value: value.clone() });
                Ok(value)
            }
            (Err(_), Some(last)) => Ok(last),
            (Err(error), None) => Err(error),
        }
    }

    /// Has the value read anew by the next who asks: it was changed here.
    pub(crate) fn expire(&self) {
        let mut state = self.lock();
        state.changes += 1;
        if let Some(kept) = &mut state.kept {
            kept.read_at = None;
        }
    }

    /// Whoever finds an old value reads it anew; for the others it counts as fresh at once.
    fn look(&self) -> Look<T> {
        let mut state = self.lock();
        let changes = state.changes;
        let Some(kept) = &mut state.kept else { return Look::Nothing(changes) };
        if kept.read_at.is_some_and(|at| at.elapsed() < self.lifetime) {
            return Look::Fresh(kept.value.clone());
        }
        if self.is_strict {
            return Look::Nothing(changes);
        }
        kept.read_at = Some(Instant::now());
        Look::Old(kept.value.clone(), changes)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// With how often it was changed until then, where it is to be read.
enum Look<T> {
    Fresh(T),
    Old(T, u64),
    Nothing(u64),
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::{pending, ready};

    use futures::FutureExt;

    use super::*;

    const NEVER: Duration = Duration::from_secs(3600);

    #[tokio::test]
    async fn a_fresh_value_is_not_read_again() {
        let cached = Cached::new(NEVER);
        assert_eq!(cached.get(ready(Ok::<_, Infallible>(1))).await, Ok(1));
        assert_eq!(cached.get(ready(Ok::<_, Infallible>(2))).await, Ok(1));
        cached.expire();
        assert_eq!(cached.get(ready(Ok::<_, Infallible>(3))).await, Ok(3));
    }

    #[tokio::test]
    async fn what_was_read_before_a_change_is_not_fresh_after_it() {
        let cached = Cached::new(NEVER);
        let (answer, asked) = tokio::sync::oneshot::channel();
        let mut reading = Box::pin(cached.get(asked));
        assert_eq!(reading.as_mut().now_or_never(), None);
        cached.expire();
        answer.send(1).expect("somebody waits");
        assert_eq!(reading.await, Ok(1));
        assert_eq!(cached.get(ready(Ok::<_, tokio::sync::oneshot::error::RecvError>(2))).await, Ok(2));
    }

    #[tokio::test]
    async fn what_cannot_be_read_stays_as_it_was() {
        let cached = Cached::new(Duration::ZERO);
        assert_eq!(cached.get(ready(Err::<u8, _>("away"))).await, Err("away"));
        assert_eq!(cached.get(ready(Ok::<_, &str>(1))).await, Ok(1));
        assert_eq!(cached.get(ready(Err("away"))).await, Ok(1));
    }

    #[tokio::test]
    async fn nobody_is_given_what_is_old_where_that_counts() {
        let cached = Cached::strict(NEVER);
        assert_eq!(cached.get(ready(Ok::<_, &str>(1))).await, Ok(1));
        assert_eq!(cached.get(ready(Ok::<_, &str>(2))).await, Ok(1));
        cached.expire();
        let mut reading = Box::pin(cached.get(pending::<Result<i32, &str>>()));
        assert_eq!(reading.as_mut().now_or_never(), None);
        assert_eq!(cached.get(ready(Err("away"))).await, Err("away"));
        assert_eq!(cached.get(ready(Ok::<_, &str>(3))).await, Ok(3));
    }

    #[tokio::test]
    async fn while_one_reads_the_others_go_on_with_the_last_value() {
        let cached = Cached::new(NEVER);
        assert_eq!(cached.get(ready(Ok::<_, Infallible>(1))).await, Ok(1));
        cached.expire();
        let mut reading = Box::pin(cached.get(pending::<Result<i32, Infallible>>()));
        assert_eq!(reading.as_mut().now_or_never(), None);
        assert_eq!(cached.get(ready(Ok::<_, Infallible>(2))).await, Ok(1));
    }
}
