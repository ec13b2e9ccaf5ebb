//! One open conversation: sends, reads the streamed answer, and survives broken connections.

use chrono::{DateTime, TimeDelta, Utc};
use futures::StreamExt;
use futures::future::{AbortHandle, abortable};
use leptos::prelude::*;
use leptos::task::spawn_local;
use server_fn::codec::ByteStream;

use super::{QuotaContext, Threads};
use crate::api::{follow_reply, start_reply, stop_reply};
use crate::event_decoder::EventDecoder;
use crate::reply_progress::ReplyProgress;
use crate::transcript::Transcript;
use crate::types::{
    ChatEventKind, Conversation, GenerationId, LimitName, Message, MessageId, Prompt, ReplyRequest, ReplyTarget, Thread,
};
use crate::{ApiError, ApiResult, browser, markdown};

/// What the conversation is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    Idle,
    /// The request is on its way and not admitted yet.
    Sending,
    Writing(GenerationId),
    /// Writing, and asked to stop.
    Stopping,
}

/// Why a request was not admitted, and how to make it succeed.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    pub error: ApiError,
    /// By the reader's clock: before it, the same would be refused again.
    pub fits_at: Option<DateTime<Utc>>,
    /// To be sent again under the same id, so that it is answered and billed once.
    request: ReplyRequest,
}

#[derive(Clone, Copy)]
pub struct OpenConversation {
    pub thread: RwSignal<Option<Thread>>,
    pub transcript: Transcript,
    pub activity: RwSignal<Activity>,
    pub refusal: RwSignal<Option<Refusal>>,
    pub draft: RwSignal<String>,
    /// For screen readers: one sentence when an answer begins, its words when it is complete.
    pub announcement: RwSignal<String>,
    /// Counts what the person has sent, so that the page scrolls to it.
    pub sent_count: RwSignal<u32>,
    lost: RwSignal<Option<ReplyProgress>>,
    unwritten: StoredValue<String>,
    wants_stop: StoredValue<bool>,
    reading: StoredValue<Option<AbortHandle>>,
    threads: Threads,
    quota: QuotaContext,
    on_new_thread: Callback<Thread>,
}

/// Where a reading begins.
enum Source {
    Start(ReplyRequest),
    Follow(ReplyProgress),
}

impl OpenConversation {
    /// `on_new_thread` is told when the first message has made a thread.
    pub fn new(loaded: Option<Conversation>, threads: Threads, quota: QuotaContext, on_new_thread: Callback<Thread>) -> Self {
        let (thread, messages, live_reply) = match loaded {
            Some(loaded) => (Some(loaded.thread), loaded.messages, loaded.live_reply),
            None => (None, Vec::new(), None),
        };
        let conversation = Self {
            thread: RwSignal::new(thread),
            transcript: Transcript::new(messages, live_reply.is_some()),
            activity: RwSignal::new(live_reply.map_or(Activity::Idle, Activity::Writing)),
            refusal: RwSignal::new(None),
            draft: RwSignal::new(String::new()),
            announcement: RwSignal::new(String::new()),
            sent_count: RwSignal::new(0),
            lost: RwSignal::new(None),
            unwritten: StoredValue::new(String::new()),
            wants_stop: StoredValue::new(false),
            reading: StoredValue::new(None),
            threads,
            quota,
            on_new_thread,
        };
        Effect::new(move |_| {
            if let Some(id) = live_reply {
                conversation.read(Source::Follow(ReplyProgress::following(id, 0)));
            }
        });
        // Ends the reading, not the reply: it goes on and is saved.
        on_cleanup(move || {
            conversation.reading.try_update_value(|reading| reading.take().map(|handle| handle.abort()));
        });
        conversation
    }

    /// Sends what is in the composer.
    pub fn send(self) {
        let Ok(prompt) = Prompt::parse(&self.draft.get_untracked()) else { return };
        if !self.can_send() {
            return;
        }
        let target = match self.thread.get_untracked() {
            Some(thread) => ReplyTarget::Thread { thread_id: thread.id, prompt },
            None => ReplyTarget::NewThread { prompt },
        };
        // The same text after a failure is the same request.
        let before = self.refusal.get_untracked().map(|refusal| refusal.request);
        let request = before.filter(|request| request.target == target).or_else(|| new_request(target));
        if let Some(request) = request {
            self.request(request);
        }
    }

    /// Asks for another answer to a message, as a new request.
    pub fn answer_again(self, message_id: MessageId) {
        let Some(thread) = self.thread.get_untracked() else { return };
        let target = ReplyTarget::Retry { thread_id: thread.id, message_id };
        if let Some(request) = new_request(target).filter(|_| self.can_send()) {
            self.request(request);
        }
    }

    /// Sends the refused request again, under its old id.
    pub fn send_again(self) {
        if let Some(refusal) = self.refusal.get_untracked().filter(|_| self.can_send()) {
            self.request(refusal.request);
        }
    }

    /// Takes up an answer whose connection broke.
    pub fn follow_again(self) {
        if let Some(progress) = self.lost.get_untracked() {
            self.transcript.resume();
            self.read(Source::Follow(progress));
        }
    }

    pub fn stop(self) {
        match self.activity.get_untracked() {
            Activity::Writing(id) => self.stop_generation(id),
            Activity::Sending => self.wants_stop.set_value(true),
            Activity::Idle | Activity::Stopping => {}
        }
    }

    /// Keeps the unsent text in the tab. While a request is on its way the old copy stays, in case the page dies now.
    pub fn keep_draft(self) {
        if self.activity.get_untracked() != Activity::Sending {
            browser::drafts::write(&self.draft_key(), &self.draft.get_untracked());
        }
    }

    pub fn kept_draft(self) -> Option<String> {
        browser::drafts::read(&self.draft_key())
    }

    fn draft_key(self) -> String {
        self.thread.with_untracked(|thread| match thread {
            Some(thread) => format!("draft:{}", thread.id),
            None => "draft:new".to_owned(),
        })
    }

    pub fn is_idle(self) -> bool {
        self.activity.get() == Activity::Idle
    }

    pub fn is_lost(self) -> bool {
        self.lost.with(Option::is_some)
    }

    fn can_send(self) -> bool {
        let is_waiting = self.refusal.with_untracked(|refusal| {
            refusal.as_ref().and_then(|refusal| refusal.fits_at).is_some_and(|at| at > browser::now())
        });
        self.activity.get_untracked() == Activity::Idle && !is_waiting
    }

    fn request(self, request: ReplyRequest) {
        self.refusal.set(None);
        self.activity.set(Activity::Sending);
        if let Some(prompt) = prompt_of(&request) {
            self.transcript.send(prompt.as_str().to_owned());
            if same_text(&self.draft.get_untracked(), prompt) {
                self.draft.set(String::new());
            }
        }
        self.sent_count.update(|count| *count += 1);
        self.wants_stop.set_value(false);
        self.read(Source::Start(request));
    }

    fn read(self, source: Source) {
        self.lost.set(None);
        if let Source::Follow(ReplyProgress { generation_id: Some(id), .. }) = &source {
            self.activity.set(Activity::Writing(*id));
        }
        let (reading, handle) = abortable(self.read_to_end(source));
        if let Some(Some(previous)) = self.reading.try_update_value(|reading| reading.replace(handle)) {
            previous.abort();
        }
        spawn_local(async move { _ = reading.await });
    }

    /// Reads until the reply has ended, taking it up again where the connection broke.
    async fn read_to_end(self, source: Source) {
        let (request, mut progress) = match source {
            Source::Start(request) => (Some(request), ReplyProgress::default()),
            Source::Follow(progress) => (None, progress),
        };
        let mut result = match (&request, progress.generation_id) {
            (Some(request), _) => self.take_in(start_reply(request.clone()).await, &mut progress).await,
            (None, Some(id)) => self.take_in(follow_reply(id, progress.last_seq).await, &mut progress).await,
            (None, None) => return,
        };
        while !progress.has_ended {
            let error = result.err().unwrap_or(ApiError::Connection);
            let Some(id) = progress.generation_id else {
                return self.refuse(error, request);
            };
            match progress.next_try().filter(|_| is_passing(&error)) {
                Some(wait) => browser::sleep(wait).await,
                None => return self.lose(error, progress),
            }
            result = self.take_in(follow_reply(id, progress.last_seq).await, &mut progress).await;
        }
    }

    async fn take_in(self, stream: ApiResult<ByteStream<ApiError>>, progress: &mut ReplyProgress) -> ApiResult<()> {
        let mut bytes = stream?.into_inner();
        let mut decoder = EventDecoder::default();
        while let Some(chunk) = bytes.next().await {
            for event in decoder.push(&chunk.map_err(|_| ApiError::Connection)?) {
                if let Some(news) = progress.accept(event) {
                    self.apply(news);
                }
            }
        }
        Ok(())
    }

    fn apply(self, news: ChatEventKind) {
        match news {
            ChatEventKind::Started { generation_id, thread, user_message } => {
                self.started(generation_id, thread, user_message);
            }
            ChatEventKind::Text { text } => self.write(&text),
            ChatEventKind::Ended { message, error } => self.ended(message, error),
            ChatEventKind::Quota { quota } => self.quota.set(quota),
        }
    }

    fn started(self, generation_id: GenerationId, thread: Thread, user_message: Message) {
        browser::drafts::write(&self.draft_key(), "");
        self.activity.set(Activity::Writing(generation_id));
        self.transcript.start(user_message);
        self.announcement.set("The answer is being written.".to_owned());
        self.threads.put(thread.clone());
        let is_new = self.thread.with_untracked(Option::is_none);
        self.thread.set(Some(thread.clone()));
        self.keep_draft();
        if is_new {
            self.on_new_thread.run(thread);
        }
        if self.wants_stop.get_value() {
            self.stop_generation(generation_id);
        }
    }

    /// Collects text until the next frame: the page is drawn once a frame, however fast the model is.
    fn write(self, text: &str) {
        let was_empty = self.unwritten.with_value(String::is_empty);
        self.unwritten.update_value(|unwritten| unwritten.push_str(text));
        if was_empty {
            request_animation_frame(move || self.write_collected());
        }
    }

    fn write_collected(self) {
        // The page may be gone by the time of the frame, and the answer may have ended.
        let collected = self.unwritten.try_update_value(std::mem::take).unwrap_or_default();
        if !collected.is_empty() {
            self.transcript.append(&collected);
        }
    }

    fn ended(self, message: Message, error: Option<ApiError>) {
        self.unwritten.set_value(String::new());
        self.announcement.set(match &error {
            Some(error) => error.to_string(),
            None => format!("The answer: {}", markdown::to_text(&message.content)),
        });
        self.transcript.end(message, error);
        self.activity.set(Activity::Idle);
    }

    fn stop_generation(self, id: GenerationId) {
        self.activity.set(Activity::Stopping);
        spawn_local(async move {
            if let Err(error) = stop_reply(id).await {
                _ = self.activity.try_update(|activity| {
                    if *activity == Activity::Stopping {
                        *activity = Activity::Writing(id);
                    }
                });
                _ = self.announcement.try_set(format!("The reply could not be stopped. {error}"));
            }
        });
    }

    /// Not admitted: everything is as before, and the text is back in the composer.
    fn refuse(self, error: ApiError, request: Option<ReplyRequest>) {
        self.activity.set(Activity::Idle);
        self.transcript.take_back();
        self.quota.learn_from(&error);
        let Some(request) = request else { return };
        if let Some(prompt) = prompt_of(&request) {
            self.draft.update(|draft| *draft = with_text_before(prompt.as_str(), draft));
        }
        self.refusal.set(Some(Refusal { fits_at: fits_at(&error), error, request }));
    }

    fn lose(self, error: ApiError, progress: ReplyProgress) {
        self.write_collected();
        self.announcement.set(error.to_string());
        self.transcript.lose(error);
        self.lost.set(Some(progress));
        self.activity.set(Activity::Idle);
    }
}

fn new_request(target: ReplyTarget) -> Option<ReplyRequest> {
    let client_request_id = browser::new_request_id()?;
    Some(ReplyRequest { client_request_id, target, max_output_tokens: None })
}

fn prompt_of(request: &ReplyRequest) -> Option<&Prompt> {
    match &request.target {
        ReplyTarget::NewThread { prompt } | ReplyTarget::Thread { prompt, .. } => Some(prompt),
        ReplyTarget::Retry { .. } => None,
    }
}

fn same_text(draft: &str, prompt: &Prompt) -> bool {
    draft.trim() == prompt.as_str()
}

/// Puts a refused text back without touching what was written meanwhile.
fn with_text_before(text: &str, draft: &str) -> String {
    if draft.trim().is_empty() { text.to_owned() } else { format!("{text}\n\n{draft}") }
}

/// Worth another try without asking anybody.
fn is_passing(error: &ApiError) -> bool {
    matches!(error, ApiError::Connection | ApiError::Unavailable { .. } | ApiError::LimitReached { .. })
}

/// When the same request would be admitted. A running reply ends at no known time, so nothing is known there.
fn fits_at(error: &ApiError) -> Option<DateTime<Utc>> {
    match error {
        ApiError::LimitReached { limit, retry_after_seconds } if limit.name != LimitName::ConcurrentReplies => {
            Some(browser::now() + TimeDelta::seconds((*retry_after_seconds).into()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::with_text_before;

    #[test]
    fn a_refused_text_comes_back_and_nothing_written_meanwhile_is_lost() {
        assert_eq!(with_text_before("old", " \n"), "old");
        assert_eq!(with_text_before("old", "new"), "old\n\nnew");
    }
}
