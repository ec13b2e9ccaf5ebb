//! What pages show of the signed-in person, kept up to date without a reload.

use leptos::prelude::*;
use leptos::task::spawn_local;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::SessionContext;
use crate::ApiResult;

/// Loads with the page; what is learned later takes its place.
pub(super) struct Kept<T: Send + Sync + 'static> {
    loaded: Resource<ApiResult<Option<T>>>,
    news: RwSignal<Option<T>>,
    /// Counts the news, so that an answer that was asked for before them is not shown after them.
    version: StoredValue<u32>,
}

impl<T: Send + Sync + 'static> Clone for Kept<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Send + Sync + 'static> Copy for Kept<T> {}

impl<T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static> Kept<T> {
    /// Of somebody who is not signed in there is nothing, and the server is not asked.
    pub(super) fn of_session<F>(
        session: SessionContext,
        read: impl Fn() -> F + Clone + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ApiResult<T>> + Send + 'static,
    {
        Self::loading(move || {
            let read = read.clone();
            async move {
                match session.user.await? {
                    Some(_) => read().await.map(Some),
                    None => Ok(None),
                }
            }
        })
    }

    fn loading<F>(load: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ApiResult<Option<T>>> + Send + 'static,
    {
        let loaded = Resource::new_blocking(|| (), move |()| load());
        Self { loaded, news: RwSignal::new(None), version: StoredValue::new(0) }
    }

    /// Waits until `get` has an answer.
    pub(super) async fn ready(self) {
        _ = self.loaded.await;
    }

    /// The newest that is known; None without a session.
    pub(super) fn get(self) -> Option<ApiResult<T>> {
        match self.news.get() {
            Some(news) => Some(Ok(news)),
            None => self.loaded.get().and_then(Result::transpose),
        }
    }

    pub(super) fn set(self, news: T) {
        // The page may be gone.
        if self.version.try_update_value(|version| *version += 1).is_some() {
            self.news.set(Some(news));
        }
    }

    /// Reads it again. When that fails, what was known stays.
    pub(super) fn reload(self, reading: impl Future<Output = ApiResult<T>> + 'static) {
        spawn_local(self.take(reading));
    }

    async fn take(self, reading: impl Future<Output = ApiResult<T>>) {
        let version = self.version.try_get_value();
        if let Ok(read) = reading.await
            && self.version.try_get_value() == version
        {
            self.set(read);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures::channel::oneshot;
    use futures::poll;

    use super::*;
    use crate::page_tests::prepare;
    use crate::types::Standing;

    /// What an answer that comes late says was true when it was asked for.
    #[tokio::test]
    async fn an_answer_that_comes_after_newer_news_is_not_shown() {
        prepare();
        let owner = Owner::new();
        let kept = owner.with(|| Kept::loading(async || Ok(Some(Standing::Free))));
        let (answer, asked) = oneshot::channel();
        let mut reading = pin!(kept.take(async { Ok(asked.await.unwrap_or_default()) }));
        assert!(poll!(&mut reading).is_pending());
        kept.set(Standing::Suspended);
        _ = answer.send(Standing::Free);
        reading.await;
        assert_eq!(kept.get(), Some(Ok(Standing::Suspended)));
        kept.take(async { Ok(Standing::Free) }).await;
        assert_eq!(kept.get(), Some(Ok(Standing::Free)), "one that is asked for after them is");
    }
}
