//! What a model has said in a reply.

use app::types::{ChatEventKind, ToolCall};

/// So far, or all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    pub text: String,
    pub reasoning: String,
    pub tool_calls: Vec<ToolCall>,
}

impl Output {
    /// Adds what an event says of it, if it says anything.
    pub fn push(&mut self, event: &ChatEventKind) {
        match event {
            ChatEventKind::Text { text } => self.text.push_str(text),
            ChatEventKind::Reasoning { text } => self.reasoning.push_str(text),
            ChatEventKind::ToolCall { piece } => ToolCall::join(&mut self.tool_calls, piece),
            _ => {}
        }
    }

    pub fn is_empty(&self) -> bool {
        self.text.is_empty() && self.reasoning.is_empty() && self.tool_calls.is_empty()
    }

    /// What the model has written.
    pub fn bytes(&self) -> usize {
        self.text.len() + self.reasoning.len() + bytes_of(&self.tool_calls)
    }

    /// The same of two that both know a part of it: each part as far as either knows it.
    pub fn or_longer(mut self, other: &Self) -> Self {
        let texts = [(&mut self.text, &other.text), (&mut self.reasoning, &other.reasoning)];
        for (text, other) in texts {
            if text.len() < other.len() {
                text.clone_from(other);
            }
        }
        if bytes_of(&self.tool_calls) < bytes_of(&other.tool_calls) {
            self.tool_calls.clone_from(&other.tool_calls);
        }
        self
    }
}

fn bytes_of(calls: &[ToolCall]) -> usize {
    calls.iter().map(ToolCall::bytes).sum()
}

#[cfg(test)]
mod tests {
    use app::types::ToolCallPiece;

    use super::*;

    fn text(text: &str) -> ChatEventKind {
        ChatEventKind::Text { text: text.to_owned() }
    }

    fn call(name: &str) -> ChatEventKind {
        let piece = ToolCallPiece { name: Some(name.to_owned()), ..ToolCallPiece::default() };
        ChatEventKind::ToolCall { piece: Box::new(piece) }
    }

    fn output(events: &[ChatEventKind]) -> Output {
        let mut output = Output::default();
        events.iter().for_each(|event| output.push(event));
        output
    }

    #[test]
    fn what_is_no_speech_adds_nothing() {
        assert!(output(&[ChatEventKind::Draining]).is_empty());
        let all =
            output(&[text("a"), ChatEventKind::Reasoning { text: "bc".to_owned() }, call("def"), text("g")]);
        assert_eq!((all.text.as_str(), all.reasoning.as_str(), all.bytes()), ("ag", "bc", 7));
    }

    #[test]
    fn of_two_each_part_is_taken_from_the_one_that_knows_more_of_it() {
        let (logged, kept) = (output(&[text("longer"), call("a")]), output(&[text("long"), call("abc")]));
        assert_eq!(logged.or_longer(&kept), output(&[text("longer"), call("abc")]));
    }
}
