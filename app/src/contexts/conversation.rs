//! One open conversation: what it shows, and what the person can do with it.

mod asking;
mod catching_up;
mod kept_request;
mod reading;
mod stream_guard;

use std::pin::pin;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future::{AbortHandle, Either, select};
use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;

use self::asking::{prompt_of, request_for, same_text};
use self::reading::{Source, Unwritten};
use super::coming_back::on_coming_back;
use super::{Models, QuotaContext, StandingContext, Threads, ToastContext, use_standing, use_toasts};
use crate::api::{show_version, stop_reply};
use crate::reply_progress::ReplyProgress;
use crate::transcript::Transcript;
use crate::types::{
    Conversation, Forgotten, GenerationId, MessageId, Prompt, ReplyRequest, ReplyTarget, Thread,
};
use crate::{ApiError, ApiResult, browser};

/// How long another version may take to come: nothing can be sent meanwhile.
const SWITCH_TIME: Duration = Duration::from_secs(20);

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

/// Why nothing new is shown of an answer that is being written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    Reconnecting,
    /// Connected, but nothing comes: the model is slow, or the server that wrote the answer has died and another one is
    /// about to end it.
    Waiting,
}

impl Pause {
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Reconnecting => "The connection was lost. Connecting again; what has arrived is kept.",
            Self::Waiting => "Nothing new for a while. Still waiting; what has arrived is kept.",
        }
    }
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

impl Refusal {
    fn is_of_edit(&self) -> bool {
        matches!(self.request.target, ReplyTarget::Edit { .. })
    }
}

#[derive(Clone, Copy)]
pub struct OpenConversation {
    pub thread: RwSignal<Option<Thread>>,
    pub transcript: Transcript,
    pub activity: RwSignal<Activity>,
    pub pause: RwSignal<Option<Pause>>,
    pub refusal: RwSignal<Option<Refusal>>,
    pub draft: RwSignal<String>,
    /// The message of the person's that is open in the editor.
    pub editing: RwSignal<Option<MessageId>>,
    /// Another version is on its way.
    pub is_switching: RwSignal<bool>,
    /// Whether the dialog with its cost and its cap is open.
    pub shows_spending: RwSignal<bool>,
    /// For screen readers: one sentence when an answer begins, its words when it is complete.
    pub announcement: RwSignal<String>,
    /// Counts what the person has sent, so that the page scrolls to it.
    pub sent_count: RwSignal<u32>,
    /// Counts how often what was written elsewhere was added, so that the page does not scroll to it.
    pub caught_up_count: RwSignal<u32>,
    pub models: Models,
    forgotten: RwSignal<Vec<Forgotten>>,
    lost: RwSignal<Option<ReplyProgress>>,
    unwritten: StoredValue<Unwritten>,
    wants_stop: StoredValue<bool>,
    is_catching_up: StoredValue<bool>,
    reading: StoredValue<Option<AbortHandle>>,
    threads: Threads,
    quota: QuotaContext,
    standing: StandingContext,
    toasts: ToastContext,
    on_new_thread: Callback<Thread>,
}

impl OpenConversation {
    /// `on_new_thread` is told when the first message has made a thread.
    pub fn new(
        loaded: Option<Conversation>,
        threads: Threads,
        quota: QuotaContext,
        models: Models,
        on_new_thread: Callback<Thread>,
    ) -> Self {
        let (thread, messages, live_reply, forgotten) = match loaded {
            Some(loaded) => (Some(loaded.thread), loaded.messages, loaded.live_reply, loaded.forgotten),
            None => (None, Vec::new(), None, Vec::new()),
        };
        let conversation = Self {
            thread: RwSignal::new(thread),
            transcript: Transcript::new(messages, live_reply.is_some()),
            activity: RwSignal::new(live_reply.map_or(Activity::Idle, Activity::Writing)),
            pause: RwSignal::new(None),
            refusal: RwSignal::new(None),
            draft: RwSignal::new(String::new()),
            editing: RwSignal::new(None),
            is_switching: RwSignal::new(false),
            shows_spending: RwSignal::new(false),
            announcement: RwSignal::new(String::new()),
            sent_count: RwSignal::new(0),
            caught_up_count: RwSignal::new(0),
            models,
            forgotten: RwSignal::new(forgotten),
            lost: RwSignal::new(None),
            unwritten: StoredValue::new(Unwritten::default()),
            wants_stop: StoredValue::new(false),
            is_catching_up: StoredValue::new(false),
            reading: StoredValue::new(None),
            threads,
            quota,
            standing: use_standing(),
            toasts: use_toasts(),
            on_new_thread,
        };
        Effect::new(move |_| {
            if let Some(id) = live_reply {
                conversation.read(Source::Follow(ReplyProgress::following(id, 0)));
            }
        });
        Effect::new(move |_| {
            let online = window_event_listener(ev::online, move |_| conversation.follow_again());
            on_cleanup(move || online.remove());
        });
        on_coming_back(move || conversation.catch_up());
        // Ends the reading, not the reply: it goes on and is saved.
        on_cleanup(move || {
            conversation.reading.try_update_value(|reading| reading.take().map(|handle| handle.abort()));
        });
        conversation
    }

    /// Sends what is in the composer.
    pub fn send(self) {
        let Ok(prompt) = Prompt::parse(&self.draft.get_untracked()) else { return };
        let target = match self.thread.get_untracked() {
            Some(thread) => {
                ReplyTarget::Thread { thread_id: thread.id, prompt, after: self.transcript.last_id() }
            }
            None => ReplyTarget::NewThread { prompt },
        };
        self.ask(target);
    }

    /// Sends a message of the person's in other words.
    pub fn edit(self, message_id: MessageId, text: &str) {
        let Ok(prompt) = Prompt::parse(text) else { return };
        if let Some(thread) = self.thread.get_untracked() {
            self.ask(ReplyTarget::Edit { thread_id: thread.id, message_id, prompt });
        }
    }

    /// Closes the editor. The message stays as it was.
    pub fn cancel_edit(self) {
        if let Some(id) = self.editing.get_untracked() {
            self.keep_edit(id, "");
        }
        self.editing.set(None);
        self.forget_refusal_if(Refusal::is_of_edit);
    }

    /// The editor has other words by now: sent again, the refused ones would take their place. Until something fits, that
    /// is still said.
    pub fn forget_refused_edit(self) {
        self.forget_refusal_if(|refusal| refusal.is_of_edit() && refusal.fits_at.is_none());
    }

    fn forget_refusal_if(self, is_over: impl Fn(&Refusal) -> bool) {
        if self.refusal.with_untracked(|refusal| refusal.as_ref().is_some_and(is_over)) {
            self.refusal.set(None);
        }
    }

    /// Shows another version of a message, and what follows it.
    pub fn show_version(self, id: MessageId) {
        if !untrack(|| self.can_switch()) {
            return;
        }
        self.is_switching.set(true);
        spawn_local(async move {
            let shown = path_through(id).await;
            // The page may be gone by now.
            if self.is_switching.try_set(false).is_some() {
                return;
            }
            match shown {
                Ok(conversation) => self.show(conversation),
                Err(error) => self.toasts.show_error(&error),
            }
        });
    }

    fn show(self, shown: Conversation) {
        self.lost.set(None);
        self.pause.set(None);
        // Sent again under its id, it would be answered where it was sent before. Its text is in the composer, and from here
        // sending is a new request.
        kept_request::forget(&self.draft_key());
        if !untrack(|| self.is_waiting()) {
            self.refusal.set(None);
        }
        self.forgotten.set(shown.forgotten);
        self.transcript.show(shown.messages, shown.live_reply.is_some());
        if let Some(id) = shown.live_reply {
            self.read(Source::Follow(ReplyProgress::following(id, 0)));
        }
    }

    /// Asks for another answer to a message.
    pub fn answer_again(self, message_id: MessageId) {
        if let Some(thread) = self.thread.get_untracked() {
            self.ask(ReplyTarget::Retry { thread_id: thread.id, message_id });
        }
    }

    /// Asks for the rest of an answer that ended early.
    pub fn continue_answer(self, message_id: MessageId) {
        if let Some(thread) = self.thread.get_untracked() {
            self.ask(ReplyTarget::Continue { thread_id: thread.id, message_id });
        }
    }

    /// Sends the refused request again.
    pub fn send_again(self) {
        if let Some(refusal) = self.refusal.get_untracked() {
            self.ask(refusal.request.target);
        }
    }

    /// Takes up an answer whose connection broke. Not while another version is on its way: it would be written into that.
    pub fn follow_again(self) {
        if self.is_switching.get_untracked() {
            return;
        }
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

    /// Keeps the unsent text in the tab. While a request is on its way the old copy stays, in case the page dies now; the
    /// request is kept beside it, so that it is not answered twice then. Another text is another request.
    pub fn keep_draft(self) {
        if self.activity.get_untracked() != Activity::Sending {
            let (key, draft) = (self.draft_key(), self.draft.get_untracked());
            browser::drafts::write(&key, &draft);
            kept_request::forget_unless_it_sends(&key, &draft);
        }
    }

    pub fn kept_draft(self) -> Option<String> {
        browser::drafts::read(&self.draft_key())
    }

    /// Keeps what is in the editor in the tab, too: what refuses it may lead off the page. Nothing is left of an empty text.
    pub fn keep_edit(self, id: MessageId, text: &str) {
        browser::drafts::write(&edit_key(id), text);
    }

    pub fn kept_edit(self, id: MessageId) -> Option<String> {
        browser::drafts::read(&edit_key(id))
    }

    fn draft_key(self) -> String {
        self.thread.with_untracked(|thread| match thread {
            Some(thread) => format!("draft:{}", thread.id),
            None => "draft:new".to_owned(),
        })
    }

    /// The last message that the chosen model is not shown with the next one, as far as that was told when the conversation
    /// was read. None: it may be shown all, or that is not known.
    pub fn last_forgotten(self) -> Option<MessageId> {
        let model = self.models.current_key()?;
        self.forgotten.with(|forgotten| {
            forgotten.iter().find(|forgotten| forgotten.model == model).map(|forgotten| forgotten.last)
        })
    }

    pub fn is_idle(self) -> bool {
        self.activity.get() == Activity::Idle
    }

    pub fn is_lost(self) -> bool {
        self.lost.with(Option::is_some)
    }

    /// The same would be refused again.
    pub fn is_waiting(self) -> bool {
        self.refusal.with(|refusal| refusal.as_ref().is_some_and(|refusal| refusal.fits_at.is_some()))
    }

    /// Another path can be shown: nothing that is written would be lost by it.
    pub fn can_switch(self) -> bool {
        self.is_idle() && !self.is_switching.get() && self.editing.get().is_none()
    }

    fn can_send(self) -> bool {
        let is_waiting = self.refusal.with_untracked(|refusal| {
            refusal.as_ref().and_then(|refusal| refusal.fits_at).is_some_and(|at| at > browser::now())
        });
        let is_busy = self.activity.get_untracked() != Activity::Idle || self.is_switching.get_untracked();
        !is_busy && !is_waiting
    }

    fn ask(self, target: ReplyTarget) {
        if !self.can_send() {
            return;
        }
        let refused = self.refusal.get_untracked().map(|refusal| refusal.request);
        let earlier = refused.into_iter().chain(kept_request::read(&self.draft_key())).collect::<Vec<_>>();
        if let Some(request) = request_for(target, &earlier, self.models.asked()) {
            self.request(request);
        }
    }

    fn request(self, request: ReplyRequest) {
        self.refusal.set(None);
        kept_request::write(&self.draft_key(), &request);
        self.activity.set(Activity::Sending);
        if let Some(prompt) = prompt_of(&request) {
            self.transcript.send(prompt.as_str().to_owned());
            if same_text(&self.draft.get_untracked(), prompt) {
                self.draft.set(String::new());
            }
        }
        // What is edited stays in sight until it is accepted.
        if !matches!(request.target, ReplyTarget::Edit { .. }) {
            self.sent_count.update(|count| *count += 1);
        }
        // Another path may be shorter, and then more of it is shown; a path that only grows never brings anything back.
        if matches!(request.target, ReplyTarget::Edit { .. } | ReplyTarget::Retry { .. }) {
            self.forgotten.set(Vec::new());
        }
        self.wants_stop.set_value(false);
        self.read(Source::Start(request));
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
                self.toasts.show_failure(format!("The reply could not be stopped. {error}"));
            }
        });
    }
}

/// What `show_version` answers, if it does so in time.
async fn path_through(id: MessageId) -> ApiResult<Conversation> {
    match select(pin!(show_version(id)), pin!(browser::sleep(SWITCH_TIME))).await {
        Either::Left((shown, _)) => shown,
        Either::Right(_) => Err(ApiError::Connection),
    }
}

fn edit_key(id: MessageId) -> String {
    format!("edit:{id}")
}
