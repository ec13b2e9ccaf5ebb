//! How far a reply has been read, so that a broken connection can be taken up where it broke.

use std::time::Duration;

use crate::types::{ChatEvent, ChatEventKind, GenerationId};

/// Where the reading of one reply stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplyProgress {
    /// None until the request was admitted.
    pub generation_id: Option<GenerationId>,
    pub last_seq: u32,
    pub has_ended: bool,
    /// What is left after the reply has arrived, too.
    pub has_quota: bool,
    /// Tries since the last bytes that arrived.
    failed_tries: u32,
}

impl ReplyProgress {
    const MOST_TRIES: u32 = 6;

    pub fn following(generation_id: GenerationId, after_seq: u32) -> Self {
        Self { generation_id: Some(generation_id), last_seq: after_seq, ..Self::default() }
    }

    /// Bytes arrived, if only to say that the server is there.
    pub fn hear(&mut self) {
        self.failed_tries = 0;
    }

    /// The news in an event; None when it was seen before, as happens after a reconnection, or is no part of the reply.
    pub fn accept(&mut self, event: ChatEvent) -> Option<ChatEventKind> {
        if event.seq <= self.last_seq {
            return None;
        }
        self.last_seq = event.seq;
        match &event.kind {
            ChatEventKind::Started { generation_id, .. } => self.generation_id = Some(*generation_id),
            ChatEventKind::Ended { .. } => self.has_ended = true,
            ChatEventKind::Quota { .. } => self.has_quota = true,
            ChatEventKind::Reasoning { .. }
            | ChatEventKind::Text { .. }
            | ChatEventKind::ToolCall { .. }
            | ChatEventKind::Draining => {}
        }
        Some(event.kind)
    }

    /// How long to wait before the next try; None when enough were made.
    pub fn next_try(&mut self) -> Option<Duration> {
        let tries = self.failed_tries;
        self.failed_tries += 1;
        (tries < Self::MOST_TRIES).then(|| Duration::from_millis(400 << tries))
    }
}

#[cfg(test)]
mod tests {
    use super::ReplyProgress;
    use crate::types::{ChatEvent, ChatEventKind};

    fn text(seq: u32) -> ChatEvent {
        ChatEvent { seq, kind: ChatEventKind::Text { text: "a".to_owned() } }
    }

    #[test]
    fn an_event_counts_once() {
        let mut progress = ReplyProgress::default();
        assert!(progress.accept(text(1)).is_some());
        assert!(progress.accept(text(1)).is_none());
        assert!(progress.accept(text(2)).is_some());
        assert_eq!(progress.last_seq, 2);
    }

    #[test]
    fn a_server_about_to_end_changes_nothing_of_the_reply() {
        let mut progress = ReplyProgress::default();
        progress.accept(text(1));
        assert!(progress.accept(ChatEvent { seq: 1, kind: ChatEventKind::Draining }).is_none());
        assert!(progress.accept(text(2)).is_some());
    }

    #[test]
    fn waiting_grows_ends_and_begins_anew_with_the_next_bytes() {
        let mut progress = ReplyProgress::default();
        let waits: Vec<_> = std::iter::from_fn(|| progress.next_try()).map(|wait| wait.as_millis()).collect();
        assert_eq!(waits, [400, 800, 1600, 3200, 6400, 12800]);
        progress.hear();
        assert_eq!(progress.next_try().map(|wait| wait.as_millis()), Some(400));
    }
}
