//! A conversation as markdown, for people and programs.

use app::types::{Conversation, Message, Model, ReplyState, Role};
use chrono::{DateTime, Utc};

/// Its title, then each turn below a heading that says whose it is and when it was written.
pub(super) fn document(conversation: &Conversation, models: &[Model]) -> String {
    let mut text = format!("# {}\n", conversation.thread.title);
    for message in &conversation.messages {
        text.push_str(&format!("\n## {}\n\n{}\n", heading(message, models), message.content.trim_end()));
    }
    text
}

fn heading(message: &Message, models: &[Model]) -> String {
    let (who, at) = (who(message, models), time(message.created_at));
    match message.state.and_then(early_end) {
        Some(end) => format!("{who}, {at}, {end}"),
        None => format!("{who}, {at}"),
    }
}

fn who(message: &Message, models: &[Model]) -> String {
    match (message.role, message.model.as_deref()) {
        (Role::User, _) => "You".to_owned(),
        (Role::Assistant, None) => "Assistant".to_owned(),
        (Role::Assistant, Some(key)) => {
            // A model that is gone from the catalog has its key only.
            let model = models.iter().find(|model| model.key == key);
            format!("Assistant ({})", model.map_or(key, |model| model.name.as_str()))
        }
    }
}

/// How an answer ended that is not whole.
fn early_end(state: ReplyState) -> Option<&'static str> {
    match state {
        ReplyState::Finished => None,
        ReplyState::Streaming => Some("still being written"),
        ReplyState::Limited => Some("cut at its greatest length"),
        ReplyState::Stopped => Some("stopped"),
        ReplyState::Failed => Some("failed"),
        ReplyState::Interrupted => Some("interrupted"),
    }
}

fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// The title in letters that every file system takes.
pub(super) fn file_name(title: &str) -> String {
    let words = title.split(|char: char| !char.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let name = words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-");
    if name.is_empty() { "conversation.md".to_owned() } else { format!("{name}.md") }
}

#[cfg(test)]
mod tests {
    use app::types::{MessageId, ModelPrices, Nanos, Thread, ThreadId};
    use uuid::Uuid;

    use super::*;

    fn message(content: &str, answer: Option<(&str, ReplyState)>) -> Message {
        let role = if answer.is_some() { Role::Assistant } else { Role::User };
        let created_at = DateTime::from_timestamp(1_700_000_000, 0).expect("a time");
        Message {
            state: answer.map(|(_, state)| state),
            model: answer.map(|(model, _)| model.to_owned()),
            reasoning: "Never part of it".to_owned(),
            ..Message::new(MessageId(Uuid::nil()), None, role, content, created_at)
        }
    }

    fn conversation(title: &str, messages: Vec<Message>) -> Conversation {
        let (id, updated_at) = (ThreadId(Uuid::nil()), DateTime::UNIX_EPOCH);
        Conversation {
            thread: Thread { id, title: title.to_owned(), updated_at },
            messages,
            live_reply: None,
            forgotten: vec![],
        }
    }

    fn everyday() -> Model {
        let prices = ModelPrices { input: Nanos(1), cached_input: Nanos(1), output: Nanos(1) };
        let [key, name, description] = ["small", "Everyday", ""].map(str::to_owned);
        Model { key, name, description, prices, is_included: true }
    }

    #[test]
    fn each_turn_says_whose_it_is_and_when_it_was_written() {
        let messages = vec![
            message("A *question*\nof two lines", None),
            message("# Yes\n\n- one\n", Some(("small", ReplyState::Finished))),
            message("And", Some(("gone", ReplyState::Stopped))),
        ];
        assert_eq!(
            document(&conversation("Fruit", messages), &[everyday()]),
            "# Fruit\n\
             \n## You, 2023-11-14 22:13:20 UTC\n\nA *question*\nof two lines\n\
             \n## Assistant (Everyday), 2023-11-14 22:13:20 UTC\n\n# Yes\n\n- one\n\
             \n## Assistant (gone), 2023-11-14 22:13:20 UTC, stopped\n\nAnd\n"
        );
    }

    #[test]
    fn a_file_is_called_like_its_conversation_where_file_systems_allow() {
        assert_eq!(file_name("Lease: what to check?"), "lease-what-to-check.md");
        assert_eq!(file_name("../\"\r\n"), "conversation.md");
        assert_eq!(file_name("猫と犬"), "conversation.md");
    }
}
