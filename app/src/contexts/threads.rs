//! The list of conversations, shared by the sidebar and the conversation that changes it.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::coming_back::on_coming_back;
use super::{SessionContext, ThreadSearch, ToastContext};
use crate::api::{list_older_threads, list_threads};
use crate::types::{Thread, ThreadId, ThreadPlace};
use crate::{ApiResult, browser};

#[derive(Clone, Copy)]
pub struct Threads {
    loaded: Resource<ApiResult<Vec<Thread>>>,
    changed: RwSignal<Option<Vec<Thread>>>,
    /// What `get` last answered, for changes made outside the page's drawing.
    latest: StoredValue<Vec<Thread>>,
    /// Where the list goes on after the last page that was asked for; until one was, `loaded` says it.
    end: RwSignal<Option<Option<ThreadPlace>>>,
    pub is_loading_older: RwSignal<bool>,
    is_refreshing: StoredValue<bool>,
    /// Counts the changes, so that an answer that was asked for before them is not shown after them.
    version: StoredValue<u32>,
    pub search: ThreadSearch,
}

pub fn provide_threads(session: SessionContext) -> Threads {
    let threads = Threads {
        loaded: session.resource(|| (), |()| list_threads()),
        changed: RwSignal::new(None),
        latest: StoredValue::new(Vec::new()),
        end: RwSignal::new(None),
        is_loading_older: RwSignal::new(false),
        is_refreshing: StoredValue::new(false),
        version: StoredValue::new(0),
        search: ThreadSearch::nothing(),
    };
    Effect::new(move |_| {
        if let Some(Ok(list)) = threads.get() {
            threads.latest.set_value(list);
        }
    });
    on_coming_back(move || threads.refresh());
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
        let listed = self.get().and_then(Result::ok).unwrap_or_default();
        let listed = listed.into_iter().find(|thread| thread.id == id).map(|thread| thread.title);
        listed.or_else(|| self.search.title(id))
    }

    /// Puts a thread where it belongs by its time.
    pub fn put(self, thread: Thread) {
        self.update(|threads| put(threads, thread));
        self.search.ask();
    }

    pub fn remove(self, id: ThreadId) {
        self.update(|threads| threads.retain(|thread| thread.id != id));
        self.search.update(|found| found.retain(|found| found.thread.id != id));
    }

    pub fn rename(self, id: ThreadId, title: &str) {
        self.update(|threads| rename(threads, id, title));
        self.search.update(|found| rename(found.iter_mut().map(|found| &mut found.thread), id, title));
    }

    /// Reads the first page again: another tab or device may have changed it. What cannot be read stays as it is.
    fn refresh(self) {
        if self.is_refreshing.get_value() || self.is_loading_older.get_untracked() {
            return;
        }
        self.is_refreshing.set_value(true);
        let version = self.version.get_value();
        spawn_local(async move {
            let page = list_threads().await;
            // The page may be gone by now.
            let was_left =
                self.is_refreshing.try_update_value(|is_refreshing| *is_refreshing = false).is_none();
            if let Ok(page) = page
                && !was_left
                && self.version.get_value() == version
                && !begins_with(&self.latest.get_value(), &page)
            {
                self.update(|threads| take_first_page(threads, page));
                self.search.ask();
            }
        });
    }

    /// Where the list goes on; none at its end. To be read inside a `Suspense`.
    pub fn end(self) -> Option<ThreadPlace> {
        match self.end.get() {
            Some(end) => end,
            None => self.loaded.get().and_then(Result::ok).and_then(|page| end_of(&page)),
        }
    }

    /// Reads the next page of the list, and brings the reader to its first thread.
    pub fn load_older(self, toasts: ToastContext) {
        let Some(end) = untrack(move || self.end()) else { return };
        if self.is_loading_older.get_untracked() {
            return;
        }
        self.is_loading_older.set(true);
        spawn_local(async move {
            let older = list_older_threads(end.updated_at, end.id).await;
            let was_left = self.is_loading_older.try_set(false).is_some();
            match older {
                _ if was_left => {}
                Ok(older) => self.append(older),
                Err(error) => toasts.show_error(&error),
            }
        });
    }

    fn append(self, older: Vec<Thread>) {
        self.end.set(Some(end_of(&older)));
        if let Some(first) = older.first() {
            browser::focus_later(&format!("thread-{}", first.id));
        }
        self.update(|threads| older.into_iter().for_each(|thread| put(threads, thread)));
    }

    fn update(self, change: impl FnOnce(&mut Vec<Thread>)) {
        let mut threads = self.latest.get_value();
        change(&mut threads);
        self.latest.set_value(threads.clone());
        self.version.update_value(|version| *version += 1);
        self.changed.set(Some(threads));
    }
}

fn rename<'a>(threads: impl IntoIterator<Item = &'a mut Thread>, id: ThreadId, title: &str) {
    if let Some(thread) = threads.into_iter().find(|thread| thread.id == id) {
        title.clone_into(&mut thread.title);
    }
}

fn put(threads: &mut Vec<Thread>, thread: Thread) {
    threads.retain(|other| other.id != thread.id);
    let index = threads.partition_point(|other| other.place() > thread.place());
    threads.insert(index, thread);
}

/// Nothing is new.
fn begins_with(threads: &[Thread], page: &[Thread]) -> bool {
    match end_of(page) {
        Some(_) => threads.starts_with(page),
        None => threads == page,
    }
}

/// Puts a page in the place of the list's beginning. What stands below it stays: of that it says nothing.
fn take_first_page(threads: &mut Vec<Thread>, page: Vec<Thread>) {
    let end = end_of(&page);
    threads.retain(|thread| end.is_some_and(|end| thread.place() < end));
    page.into_iter().for_each(|thread| put(threads, thread));
}

/// Where the list goes on after a page; none after one that is not full.
fn end_of(page: &[Thread]) -> Option<ThreadPlace> {
    let is_full = page.len() >= Thread::LISTED as usize;
    page.last().filter(|_| is_full).map(Thread::place)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::{begins_with, end_of, put, take_first_page};
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

    #[test]
    fn threads_of_the_same_moment_stand_as_the_server_lists_them() {
        let mut threads = vec![thread(3, 20), thread(1, 20)];
        put(&mut threads, thread(2, 20));
        assert_eq!(threads.iter().map(|thread| thread.id.0.as_u128()).collect::<Vec<_>>(), [3, 2, 1]);
    }

    fn ids(threads: &[Thread]) -> Vec<u128> {
        threads.iter().map(|thread| thread.id.0.as_u128()).collect()
    }

    #[test]
    fn a_page_that_is_read_again_brings_what_is_new_and_takes_what_is_gone() {
        let mut threads = vec![thread(1, 30), thread(2, 20), thread(3, 10)];
        let page = vec![thread(4, 40), thread(3, 35), thread(1, 30)];
        assert!(begins_with(&threads, &threads.clone()) && !begins_with(&threads, &page));
        take_first_page(&mut threads, page);
        assert_eq!(ids(&threads), [4, 3, 1]);
    }

    #[test]
    fn what_stands_below_a_full_page_stays() {
        let page: Vec<_> = (0..Thread::LISTED).rev().map(|id| thread(id.into(), 20)).collect();
        let mut threads = vec![thread(1_000, 30), thread(0, 20), thread(1_001, 10)];
        take_first_page(&mut threads, page.clone());
        assert_eq!((threads.len(), ids(&threads).last().copied()), (page.len() + 1, Some(1_001)));
        assert!(begins_with(&threads, &page) && !begins_with(&threads[..1], &page));
    }

    #[test]
    fn a_list_goes_on_after_a_full_page_only() {
        let page: Vec<_> = (0..Thread::LISTED).rev().map(|id| thread(id.into(), 20)).collect();
        assert_eq!(end_of(&page), Some(thread(0, 20).place()));
        assert_eq!((end_of(&page[1..]), end_of(&[])), (None, None));
    }
}
