//! The list of conversations, shared by the sidebar and the conversation that changes it.

use leptos::prelude::*;

use super::SessionContext;
use crate::ApiResult;
use crate::api::list_threads;
use crate::types::{Thread, ThreadId};

#[derive(Clone, Copy)]
pub struct Threads {
    loaded: Resource<ApiResult<Vec<Thread>>>,
    changed: RwSignal<Option<Vec<Thread>>>,
    /// What `get` last answered, for changes made outside the page's drawing.
    latest: StoredValue<Vec<Thread>>,
}

pub fn provide_threads(session: SessionContext) -> Threads {
    let threads = Threads {
        loaded: session.resource(|| (), |()| list_threads()),
        changed: RwSignal::new(None),
        latest: StoredValue::new(Vec::new()),
    };
    Effect::new(move |_| {
        if let Some(Ok(list)) = threads.get() {
            threads.latest.set_value(list);
        }
    });
    provide_context(threads);
    threads
}

pub fn use_threads() -> Threads {
    expect_context()
}

impl Threads {
    /// The newest that is known. To be read inside a `Suspense`.
    pub fn get(self) -> Option<ApiResult<Vec<Thread>>> {
        match self.changed.get() {
            Some(threads) => Some(Ok(threads)),
            None => self.loaded.get(),
        }
    }

    pub fn title(self, id: ThreadId) -> Option<String> {
        let threads = self.get()?.ok()?;
        threads.into_iter().find(|thread| thread.id == id).map(|thread| thread.title)
    }

    /// Puts a thread where it belongs by its time.
    pub fn put(self, thread: Thread) {
        self.update(|threads| put(threads, thread));
    }

    pub fn remove(self, id: ThreadId) {
        self.update(|threads| threads.retain(|thread| thread.id != id));
    }

    pub fn rename(self, id: ThreadId, title: &str) {
        self.update(|threads| {
            if let Some(thread) = threads.iter_mut().find(|thread| thread.id == id) {
                title.clone_into(&mut thread.title);
            }
        });
    }

    fn update(self, change: impl FnOnce(&mut Vec<Thread>)) {
        let mut threads = self.latest.get_value();
        change(&mut threads);
        self.latest.set_value(threads.clone());
        self.changed.set(Some(threads));
    }
}

fn put(threads: &mut Vec<Thread>, thread: Thread) {
    threads.retain(|other| other.id != thread.id);
    let index = threads.partition_point(|other| other.updated_at > thread.updated_at);
    threads.insert(index, thread);
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::put;
    use crate::types::{Thread, ThreadId};

    fn thread(id: u128, seconds: i64) -> Thread {
        let updated_at = DateTime::from_timestamp(seconds, 0).expect("a time");
        Thread { id: ThreadId(Uuid::from_u128(id)), title: String::new(), updated_at }
    }

    #[test]
    fn a_thread_stands_where_its_time_says_and_only_once() {
        let mut threads = vec![thread(1, 30), thread(2, 20), thread(3, 10)];
        put(&mut threads, thread(3, 25));
        assert_eq!(threads.iter().map(|thread| thread.id.0.as_u128()).collect::<Vec<_>>(), [1, 3, 2]);
    }
}
