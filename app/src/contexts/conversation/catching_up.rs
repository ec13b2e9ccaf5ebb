//! Shows what was written into the open conversation elsewhere: in another tab, or on another device.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::OpenConversation;
use super::reading::Source;
use crate::api::read_thread;
use crate::reply_progress::ReplyProgress;
use crate::types::{Conversation, ThreadId};
use crate::wording::new_messages;

impl OpenConversation {
    /// Reads the conversation again, unless something is under way in it. What cannot be read stays as it is.
    pub(super) fn catch_up(self) {
        let id = self.thread_id().filter(|_| self.can_catch_up() && !self.is_catching_up.get_value());
        let Some(id) = id else { return };
        self.is_catching_up.set_value(true);
        spawn_local(async move {
            let read = read_thread(id).await;
            // The page may be gone by now.
            let was_left = self.is_catching_up.try_update_value(|is_it| *is_it = false).is_none();
            if let Ok(conversation) = read
                && !was_left
                && self.can_catch_up()
                && self.thread_id() == Some(id)
            {
                self.add(conversation);
            }
        });
    }

    fn thread_id(self) -> Option<ThreadId> {
        self.thread.with_untracked(|thread| thread.as_ref().map(|thread| thread.id))
    }

    fn can_catch_up(self) -> bool {
        untrack(|| self.can_switch() && !self.is_lost())
    }

    /// Only what follows what is shown. Another path stays unseen until it is chosen: what somebody reads does not change
    /// under their eyes.
    fn add(self, read: Conversation) {
        let Conversation { thread, messages, live_reply, forgotten } = read;
        let Some(count) = self.transcript.extend(messages, live_reply.is_some()) else { return };
        if count > 0 {
            self.forgotten.set(forgotten);
            self.thread.set(Some(thread));
            self.caught_up_count.update(|count| *count += 1);
            self.announcement.set(new_messages(count));
            self.quota.reload();
        }
        if let Some(id) = live_reply {
            self.read(Source::Follow(ReplyProgress::following(id, 0)));
        }
    }
}
