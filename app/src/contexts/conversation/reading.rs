//! Reads the streamed answer of a conversation, and takes it up again where a connection broke.

use std::pin::pin;

use chrono::{DateTime, TimeDelta, Utc};
use futures::StreamExt;
use futures::future::{Either, abortable, select};
use leptos::prelude::*;
use leptos::task::spawn_local;
use server_fn::codec::ByteStream;

use super::asking::{prompt_of, same_text, with_text_before};
use super::stream_guard::StreamGuard;
use super::{Activity, OpenConversation, Pause, Refusal, kept_request};
use crate::api::{follow_reply, start_reply};
use crate::event_decoder::EventDecoder;
use crate::reply_progress::ReplyProgress;
use crate::types::{ChatEventKind, GenerationId, LimitName, Message, ReplyRequest, Thread};
use crate::{ApiError, ApiResult, browser, markdown};

/// What the server sends when it has had nothing to say for a while.
const HEARTBEAT: &[u8] = b"\n";

/// Where a reading begins.
pub(super) enum Source {
    Start(ReplyRequest),
    Follow(ReplyProgress),
}

/// What arrived since the last frame.
#[derive(Default)]
pub(super) struct Unwritten {
    reasoning: String,
    text: String,
}

impl Unwritten {
    fn is_empty(&self) -> bool {
        self.reasoning.is_empty() && self.text.is_empty()
    }
}

impl OpenConversation {
    pub(super) fn read(self, source: Source) {
        self.lost.set(None);
        self.set_pause(None);
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
            (Some(request), _) => self.take_in(start_reply(request.clone()), &mut progress).await,
            (None, Some(id)) => self.take_in(follow_reply(id, progress.last_seq), &mut progress).await,
            (None, None) => return,
        };
        while !progress.has_ended {
            let is_broken = result.is_err();
            let error = result.err().unwrap_or(ApiError::Connection);
            let Some(id) = progress.generation_id else {
                return self.refuse(error, request);
            };
            let Some(wait) = progress.next_try().filter(|_| is_passing(&error)) else {
                return self.lose(error, progress);
            };
            if is_broken {
                self.set_pause(Some(Pause::Reconnecting));
            }
            browser::sleep(wait).await;
            result = self.take_in(follow_reply(id, progress.last_seq), &mut progress).await;
        }
        if !progress.has_quota {
            // Cut after the answer, or told from what was saved, which knows nothing of the time since.
            self.quota.reload();
        }
    }

    /// Reads to the end of the stream, or until it has to be given up.
    async fn take_in(
        self,
        stream: impl Future<Output = ApiResult<ByteStream<ApiError>>>,
        progress: &mut ReplyProgress,
    ) -> ApiResult<()> {
        let (guard, mut alarm) = StreamGuard::new();
        let stream = match select(pin!(stream), &mut alarm).await {
            Either::Left((stream, _)) => stream?,
            Either::Right(_) => return Err(ApiError::Connection),
        };
        if self.pause.get_untracked().is_some() {
            self.set_pause(Some(Pause::Waiting));
        }
        let mut bytes = stream.into_inner().take_until(alarm);
        let mut decoder = EventDecoder::default();
        while let Some(chunk) = bytes.next().await {
            let chunk = chunk.map_err(|_| ApiError::Connection)?;
            guard.heard();
            progress.hear();
            let events = decoder.push(&chunk);
            if !events.is_empty() {
                self.set_pause(None);
            } else if chunk.as_ref() == HEARTBEAT {
                self.set_pause(Some(Pause::Waiting));
            }
            for event in events {
                if let Some(news) = progress.accept(event) {
                    self.apply(news);
                }
            }
        }
        Ok(())
    }

    fn set_pause(self, pause: Option<Pause>) {
        if self.pause.get_untracked() == pause {
            return;
        }
        self.pause.set(pause);
        if let Some(pause) = pause {
            self.announcement.set(pause.sentence().to_owned());
        }
    }

    fn apply(self, news: ChatEventKind) {
        match news {
            ChatEventKind::Started { generation_id, thread, user_message } => {
                self.started(generation_id, *thread, *user_message);
            }
            ChatEventKind::Reasoning { text } => self.write(|unwritten| unwritten.reasoning.push_str(&text)),
            ChatEventKind::Text { text } => self.write(|unwritten| unwritten.text.push_str(&text)),
            ChatEventKind::Ended { message, error } => self.ended(*message, error.map(|error| *error)),
            ChatEventKind::Quota { quota } => self.quota.set(*quota),
            // Only programs have tools; and should the stream break, it is taken up again as ever.
            ChatEventKind::ToolCall { .. } | ChatEventKind::Draining => {}
        }
    }

    fn started(self, generation_id: GenerationId, thread: Thread, user_message: Message) {
        self.drop_sent_draft(&user_message);
        self.activity.set(Activity::Writing(generation_id));
        self.transcript.start(user_message);
        self.leave_editor();
        self.announcement.set("The answer is being written.".to_owned());
        // The request counts and its credit is held from now on.
        self.quota.reload();
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

    /// The message in the editor has made room for the one that was sent.
    fn leave_editor(self) {
        if let Some(id) = self.editing.get_untracked().filter(|id| !self.transcript.has(*id)) {
            self.keep_edit(id, "");
            self.editing.set(None);
            self.sent_count.update(|count| *count += 1);
            if !browser::has_touch_only() {
                browser::focus("composer-input");
            }
        }
    }

    /// The server has the message. A page that died while it was sent has it in the composer again.
    fn drop_sent_draft(self, message: &Message) {
        let key = self.draft_key();
        let sent = kept_request::read(&key);
        if let Some(prompt) = sent.as_ref().and_then(prompt_of)
            && prompt.as_str() == message.content
            && same_text(&self.draft.get_untracked(), prompt)
        {
            self.draft.set(String::new());
        }
        kept_request::forget(&key);
        browser::drafts::write(&key, "");
    }

    /// Collects what arrives until the next frame: the page is drawn once a frame, however fast the model is.
    fn write(self, collect: impl FnOnce(&mut Unwritten)) {
        let was_empty = self.unwritten.with_value(Unwritten::is_empty);
        self.unwritten.update_value(collect);
        if was_empty {
            request_animation_frame(move || self.write_collected());
        }
    }

    fn write_collected(self) {
        // The page may be gone by the time of the frame, and the answer may have ended.
        let collected = self.unwritten.try_update_value(std::mem::take).unwrap_or_default();
        if !collected.reasoning.is_empty() {
            self.transcript.think(&collected.reasoning);
        }
        if !collected.text.is_empty() {
            self.transcript.append(&collected.text);
        }
    }

    fn ended(self, message: Message, error: Option<ApiError>) {
        self.unwritten.set_value(Unwritten::default());
        self.announcement.set(match &error {
            Some(error) => error.to_string(),
            None => format!("The answer: {}", markdown::to_text(&message.content)),
        });
        self.transcript.end(message, error);
        self.activity.set(Activity::Idle);
    }

    /// Not admitted: everything is as before, and the text is back in the composer.
    fn refuse(self, error: ApiError, request: Option<ReplyRequest>) {
        self.activity.set(Activity::Idle);
        self.transcript.take_back();
        self.quota.learn_from(&error);
        self.standing.learn_from(&error);
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

/// Worth another try without asking anybody.
fn is_passing(error: &ApiError) -> bool {
    matches!(error, ApiError::Connection | ApiError::Unavailable { .. } | ApiError::LimitReached { .. })
}

/// When the same request would be admitted. A running reply ends at no known time, so nothing is known there.
fn fits_at(error: &ApiError) -> Option<DateTime<Utc>> {
    match error {
        ApiError::LimitReached { limit, retry_after_seconds }
            if limit.name != LimitName::ConcurrentReplies =>
        {
            Some(browser::now() + TimeDelta::seconds((*retry_after_seconds).into()))
        }
        _ => None,
    }
}
