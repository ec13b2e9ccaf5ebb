//! A thread is a tree of messages; what is shown and sent to the model is one path through it.

use std::collections::{HashMap, HashSet};

use app::types::{Message, MessageId};

/// The path that is shown: through the message `shown`, and on to the newest below it. Without one, or when it is gone, to the
/// newest of all.
pub(in crate::services) fn shown_path(messages: Vec<Message>, shown: Option<MessageId>) -> Vec<Message> {
    let shown = shown.filter(|id| messages.iter().any(|message| message.id == *id));
    match newest_leaf(&messages, shown) {
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

/// The newest message that is below `top` and has none below itself; `top`, when nothing is below it. Ids grow with time, so
/// the newest has the greatest.
fn newest_leaf(messages: &[Message], top: Option<MessageId>) -> Option<MessageId> {
    let mut below: HashMap<Option<MessageId>, Vec<MessageId>> = HashMap::new();
    for message in messages {
        below.entry(message.parent_id).or_default().push(message.id);
    }
    let mut newest: Option<MessageId> = None;
    let mut open = vec![top];
    while let Some(id) = open.pop() {
        // Taken out of the map here, too.
        match below.remove(&id) {
            Some(ids) => open.extend(ids.into_iter().map(Some)),
            None => newest = newest.max(id),
        }
    }
    newest
}

/// Whether the answer to this message will be on the path that is shown.
pub(super) fn leads_on(path: &[Message], shown: Option<MessageId>, parent_id: MessageId) -> bool {
    // Above `shown`, an answer begins another path.
    let from = path.iter().position(|message| Some(message.id) == shown).unwrap_or_default();
    path.iter().skip(from).any(|message| message.id == parent_id)
}

/// The messages of a thread by what they follow: those with one parent are versions of each other.
pub(super) struct Versions(HashMap<Option<MessageId>, Vec<MessageId>>);

impl Versions {
    /// `messages`: all of the thread, oldest first. Without what came to nothing: an answer without a word that nothing follows.
    pub(super) fn of(messages: &[Message]) -> Self {
        let followed: HashSet<_> = messages.iter().filter_map(|message| message.parent_id).collect();
        let mut versions: HashMap<_, Vec<_>> = HashMap::new();
        for message in messages {
            if !message.content.trim().is_empty() || followed.contains(&message.id) {
                versions.entry(message.parent_id).or_default().push(message.id);
            }
        }
        Self(versions)
    }

    /// All versions of a message that is shown, itself among them whatever it came to.
    pub(super) fn beside(&self, message: &Message) -> Vec<MessageId> {
        let mut versions = self.0.get(&message.parent_id).cloned().unwrap_or_default();
        if let Err(index) = versions.binary_search(&message.id) {
            versions.insert(index, message.id);
        }
        versions
    }
}

#[cfg(test)]
mod tests {
    use app::types::Role;
    use chrono::DateTime;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn id(number: u128) -> MessageId {
        MessageId(Uuid::from_u128(number))
    }

    fn message(number: u128, parent: Option<u128>) -> Message {
        Message::new(id(number), parent.map(id), Role::User, "words", DateTime::UNIX_EPOCH)
    }

    fn without_words(number: u128, parent: Option<u128>) -> Message {
        Message { content: " \n".to_owned(), ..message(number, parent) }
    }

    /// Two answers to the first question; the older one was gone on with.
    fn forked() -> Vec<Message> {
        vec![message(1, None), message(2, Some(1)), message(3, Some(1)), message(4, Some(2))]
    }

    fn ids(path: &[Message]) -> Vec<u128> {
        path.iter().map(|message| message.id.0.as_u128()).collect()
    }

    fn shown(messages: Vec<Message>, through: Option<u128>) -> Vec<u128> {
        ids(&shown_path(messages, through.map(id)))
    }

    #[test]
    fn without_a_choice_the_newest_is_shown() {
        assert_eq!(shown(forked(), None), [1, 2, 4]);
        let edited = forked().into_iter().chain([message(5, None)]).collect();
        assert_eq!(shown(edited, None), [5]);
    }

    #[test]
    fn a_choice_is_shown_with_the_newest_below_it() {
        assert_eq!(shown(forked(), Some(3)), [1, 3]);
        assert_eq!(shown(forked(), Some(2)), [1, 2, 4]);
        assert_eq!(shown(forked(), Some(1)), [1, 2, 4]);
    }

    #[test]
    fn a_choice_that_is_gone_is_none() {
        assert_eq!(shown(forked(), Some(9)), [1, 2, 4]);
    }

    #[test]
    fn a_message_of_a_clock_that_is_slow_is_shown_below_its_parent() {
        let tree = vec![message(1, Some(7)), message(7, None)];
        assert_eq!(shown(tree, None), [7, 1]);
    }

    #[test]
    fn a_path_ends_at_the_message_asked_for() {
        let tree = vec![message(1, None), message(2, Some(1)), message(3, Some(2))];
        assert_eq!(ids(&path_to(tree, id(2))), [1, 2]);
    }

    #[test]
    fn an_empty_thread_has_an_empty_path() {
        assert!(shown(vec![], None).is_empty());
    }

    #[test]
    fn a_ring_ends() {
        let ring = vec![message(1, Some(2)), message(2, Some(1))];
        assert_eq!(shown(ring.clone(), Some(1)).len(), 2);
        assert!(shown(ring, None).is_empty());
    }

    #[test]
    fn messages_with_one_parent_are_versions_of_each_other() {
        let tree = forked();
        let versions = Versions::of(&tree);
        assert_eq!(versions.beside(&tree[0]), [id(1)]);
        assert_eq!(versions.beside(&tree[1]), [id(2), id(3)]);
        assert_eq!(versions.beside(&tree[2]), [id(2), id(3)]);
        assert_eq!(versions.beside(&tree[3]), [id(4)]);
    }

    #[test]
    fn what_came_to_nothing_is_a_version_while_it_is_shown() {
        let tree =
            vec![message(1, None), message(2, Some(1)), without_words(3, Some(1)), message(4, Some(1))];
        let versions = Versions::of(&tree);
        assert_eq!(versions.beside(&tree[1]), [id(2), id(4)]);
        assert_eq!(versions.beside(&tree[2]), [id(2), id(3), id(4)]);
        let gone_on_with: Vec<_> = tree.into_iter().chain([message(5, Some(3))]).collect();
        assert_eq!(Versions::of(&gone_on_with).beside(&gone_on_with[1]), [id(2), id(3), id(4)]);
    }

    #[test]
    fn an_answer_to_what_is_above_the_choice_begins_another_path() {
        let path = [message(1, None), message(2, Some(1))];
        assert!(leads_on(&path, Some(id(1)), id(1)), "it is answered again");
        assert!(!leads_on(&path, Some(id(2)), id(1)), "an older answer was chosen meanwhile");
        assert!(leads_on(&path, Some(id(2)), id(2)));
        assert!(leads_on(&path, None, id(1)));
        assert!(!leads_on(&path, None, id(3)));
    }

    /// Each message follows an older one or none, and some have no words.
    fn any_tree() -> impl Strategy<Value = Vec<Message>> {
        let nodes = prop::collection::vec((any::<u8>(), any::<bool>()), 1..25);
        nodes.prop_map(|nodes| {
            let node = |(older, (choice, has_words)): (usize, (u8, bool))| {
                let parent = u128::from(choice) % (older as u128 + 1);
                let parent = (parent > 0).then_some(parent);
                let number = older as u128 + 1;
                if has_words { message(number, parent) } else { without_words(number, parent) }
            };
            nodes.into_iter().enumerate().map(node).collect()
        })
    }

    proptest! {
        #[test]
        fn the_path_goes_through_what_was_chosen_to_its_end(tree in any_tree(), choice in any::<prop::sample::Index>()) {
            let chosen = choice.get(&tree).id;
            let path = shown_path(tree.clone(), Some(chosen));
            prop_assert!(path.iter().any(|message| message.id == chosen));
            prop_assert_eq!(path[0].parent_id, None);
            for pair in path.windows(2) {
                prop_assert_eq!(pair[1].parent_id, Some(pair[0].id));
            }
            let end = path.last().map(|message| message.id);
            prop_assert!(tree.iter().all(|message| message.parent_id != end));
        }

        #[test]
        fn every_word_can_be_found_by_going_from_version_to_version(tree in any_tree()) {
            let versions = Versions::of(&tree);
            let mut found = HashSet::new();
            let mut open = vec![None];
            while let Some(shown) = open.pop() {
                for message in shown_path(tree.clone(), shown) {
                    if found.insert(message.id) {
                        open.extend(versions.beside(&message).into_iter().map(Some));
                    }
                }
            }
            let words = tree.iter().filter(|message| !message.content.trim().is_empty());
            let lost: Vec<_> = words.filter(|message| !found.contains(&message.id)).collect();
            prop_assert!(lost.is_empty(), "{lost:?}");
        }
    }
}
