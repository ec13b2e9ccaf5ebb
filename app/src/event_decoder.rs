//! Turns the bytes of a streamed reply into events, however the network has cut them.

use crate::types::ChatEvent;

/// Collects bytes until a line is whole. It works on bytes because a chunk may end inside a character.
#[derive(Debug, Default)]
pub struct EventDecoder {
    rest: Vec<u8>,
}

impl EventDecoder {
    /// The events that are complete after these bytes.
    ///
    /// A line that cannot be read is skipped: a newer server may say things this page does not know yet, and `Ended`
    /// carries the whole answer anyway.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<ChatEvent> {
        self.rest.extend_from_slice(bytes);
        let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') else {
            return Vec::new();
        };
        let rest = self.rest.split_off(end + 1);
        let whole = std::mem::replace(&mut self.rest, rest);
        whole.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::EventDecoder;
    use crate::ApiError;
    use crate::error::ModelFailure;
    use crate::types::{ChatEvent, ChatEventKind, Message, MessageId, Nanos, ReplyState, Role};

    fn text(seq: u32, text: &str) -> ChatEvent {
        ChatEvent { seq, kind: ChatEventKind::Text { text: text.to_owned() } }
    }

    fn ended(seq: u32) -> ChatEvent {
        let (id, created_at) =
            (MessageId(uuid::Uuid::nil()), chrono::DateTime::from_timestamp(1_700_000_000, 0));
        let message = Message {
            state: Some(ReplyState::Interrupted),
            charged: Some(Nanos(123)),
            model: Some("standard".to_owned()),
            reasoning: "語?\n".to_owned(),
            ..Message::new(id, None, Role::Assistant, "語 done\n", created_at.expect("a time"))
        };
        let error = Some(ApiError::model(ModelFailure::Interrupted));
        ChatEvent {
            seq,
            kind: ChatEventKind::Ended { message: Box::new(message), error: error.map(Box::new) },
        }
    }

    fn encode(events: &[ChatEvent]) -> Vec<u8> {
        let line = |event| serde_json::to_string(event).expect("JSON") + "\n";
        events.iter().map(line).collect::<String>().into_bytes()
    }

    #[test]
    fn a_line_that_is_not_whole_waits() {
        let bytes = encode(&[text(1, "a")]);
        let mut decoder = EventDecoder::default();
        assert!(decoder.push(&bytes[..bytes.len() - 1]).is_empty());
        assert_eq!(decoder.push(b"\n"), [text(1, "a")]);
    }

    #[test]
    fn unknown_and_broken_lines_are_skipped() {
        let mut bytes = b"{\"seq\":1,\"type\":\"picture\",\"text\":\"hm\"}\nnonsense\n\n".to_vec();
        bytes.extend(encode(&[text(2, "a")]));
        assert_eq!(EventDecoder::default().push(&bytes), [text(2, "a")]);
    }

    #[test]
    fn an_end_by_an_error_this_page_does_not_know_is_an_end() {
        let known = encode(&[ended(2)]);
        let newer = String::from_utf8(known).expect("text").replace(r#""interrupted"}"#, r#""on_strike"}"#);
        assert!(newer.contains("on_strike"));
        assert_eq!(EventDecoder::default().push(newer.as_bytes()), [ended(2)]);
    }

    #[test]
    fn an_empty_line_says_only_that_somebody_is_there() {
        let mut decoder = EventDecoder::default();
        assert!(decoder.push(b"\n").is_empty());
        let bytes = encode(&[text(1, "a")]);
        let (first, second) = bytes.split_at(9);
        assert!(decoder.push(first).is_empty());
        assert_eq!(decoder.push(second), [text(1, "a")]);
        assert!(decoder.push(b"\n\n").is_empty());
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_events(texts in prop::collection::vec(".{0,12}", 0..8), cuts in prop::collection::vec(1_usize..9, 1..40)) {
            let mut events: Vec<_> = texts.iter().zip(1..).map(|(said, seq)| text(seq, said)).collect();
            events.push(ended(99));
            let bytes = encode(&events);
            let (mut decoder, mut seen, mut rest) = (EventDecoder::default(), Vec::new(), bytes.as_slice());
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (chunk, later) = rest.split_at((*cut).min(rest.len()));
                seen.extend(decoder.push(chunk));
                rest = later;
            }
            prop_assert_eq!(seen, events);
        }
    }
}
