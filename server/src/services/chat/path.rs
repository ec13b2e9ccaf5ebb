//! A thread is a tree of messages; what is shown and sent to the model is one path through it.

use std::collections::HashMap;

use app::types::{Message, MessageId};

/// The path to the newest message. Ids grow with time, so the newest has the greatest.
pub(in crate::services) fn active_path(messages: Vec<Message>) -> Vec<Message> {
    match messages.iter().map(|message| message.id).max() {
        Some(leaf) => path_to(messages, leaf),
        None => Vec::new(),
    }
}

/// The path to `leaf`, from the root on; empty when there is no such message.
pub(in crate::services) fn path_to(messages: Vec<Message>, leaf: MessageId) -> Vec<Message> {
    let mut by_id: HashMap<_, _> = messages.into_iter().map(|message| (message.id, message)).collect();
    let mut path = Vec::new();
    let mut next = Some(leaf);
    // Taken out of the map one by one, so that even a ring would end.
    while let Some(message) = next.and_then(|id| by_id.remove(&id)) {
        next = message.parent_id;
        path.push(message);
    }
    path.reverse();
    path
}

#[cfg(test)]
mod tests {
    use app::types::Role;
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;

    fn message(id: u128, parent: Option<u128>) -> Message {
        Message {
            id: MessageId(Uuid::from_u128(id)),
            parent_id: parent.map(|id| MessageId(Uuid::from_u128(id))),
            role: Role::User,
            content: String::new(),
            created_at: DateTime::UNIX_EPOCH,
            state: None,
            charged: None,
            model: None,
            reasoning: String::new(),
            rating: None,
        }
    }

    fn ids(path: &[Message]) -> Vec<u128> {
        path.iter().map(|message| message.id.0.as_u128()).collect()
    }

    #[test]
    fn the_newest_of_two_answers_is_shown() {
        let tree = vec![message(1, None), message(2, Some(1)), message(3, Some(1)), message(4, Some(3))];
        assert_eq!(ids(&active_path(tree)), [1, 3, 4]);
    }

    #[test]
    fn a_path_ends_at_the_message_asked_for() {
        let tree = vec![message(1, None), message(2, Some(1)), message(3, Some(2))];
        assert_eq!(ids(&path_to(tree, MessageId(Uuid::from_u128(2)))), [1, 2]);
    }

    #[test]
    fn an_empty_thread_has_an_empty_path() {
        assert!(active_path(vec![]).is_empty());
    }
}
