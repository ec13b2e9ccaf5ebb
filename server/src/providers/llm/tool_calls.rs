//! The pieces of the calls in an answer, numbered in one way whoever sends them.

use app::types::ToolCallPiece;
use serde::de::IgnoredAny;
use uuid::Uuid;

/// The calls of one answer so far.
#[derive(Default)]
pub(super) struct ToolCallReader {
    begun: Vec<Begun>,
}

struct Begun {
    /// As the provider numbers it.
    index: Option<u32>,
    /// As the provider has given it.
    id: Option<String>,
    name: String,
    arguments: String,
}

impl ToolCallReader {
    /// What comes of a piece. None: nothing.
    ///
    /// A call begins with its name. Another id tells nothing: some providers give none, some a new one with every piece. Some
    /// repeat the name with every piece or the last, and some give all calls the same number, or none: so a name that comes
    /// again begins another call only once the arguments of the one before are whole, and not when it says nothing new.
    /// <https://github.com/BerriAI/litellm/issues/28223>, <https://github.com/vllm-project/vllm/issues/44098>
    pub(super) fn read(
        &mut self,
        index: Option<u32>,
        id: Option<String>,
        name: Option<String>,
        arguments: String,
    ) -> Option<ToolCallPiece> {
        let [id, name] = [id, name].map(|text| text.filter(|text| !text.is_empty()));
        let same = self.begun.iter().rposition(|begun| index.is_none() || begun.index == index);
        let goes_on = |begun: &Begun| match &name {
            None => true,
            Some(name) => {
                let is_same = if id.is_some() { begun.id == id } else { arguments.is_empty() };
                begun.name == *name && (is_same || !is_object(&begun.arguments))
            }
        };
        if let Some(place) = same.filter(|place| goes_on(&self.begun[*place])) {
            self.begun[place].arguments.push_str(&arguments);
            let piece = ToolCallPiece { index: number(place), arguments, ..ToolCallPiece::default() };
            return Some(piece).filter(|piece| !piece.arguments.is_empty());
        }
        let name = name?;
        self.begun.push(Begun { index, id: id.clone(), name: name.clone(), arguments: arguments.clone() });
        let index = number(self.begun.len() - 1);
        Some(ToolCallPiece { index, id: Some(id.unwrap_or_else(new_id)), name: Some(name), arguments })
    }

    /// The answer is whole. Whoever reads the arguments expects JSON, also of calls that have none.
    pub(super) fn finish(&mut self) -> Vec<ToolCallPiece> {
        let calls = self.begun.iter_mut().enumerate();
        let bare = calls.filter(|(_, begun)| begun.arguments.trim().is_empty());
        bare.map(|(place, begun)| {
            begun.arguments.push_str("{}");
            ToolCallPiece { index: number(place), arguments: "{}".to_owned(), ..ToolCallPiece::default() }
        })
        .collect()
    }
}

fn is_object(json: &str) -> bool {
    json.trim_start().starts_with('{') && serde_json::from_str::<IgnoredAny>(json).is_ok()
}

/// Mistral takes nine letters and digits and nothing else. <https://github.com/langchain-ai/langchain/issues/24668>
fn new_id() -> String {
    Uuid::new_v4().simple().to_string().split_off(23)
}

fn number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use app::types::ToolCall;

    use super::*;

    /// The calls that pieces come to: index, id, name, arguments.
    fn calls(pieces: &[(Option<u32>, &str, &str, &str)]) -> Vec<(String, String, String)> {
        let (mut reader, mut calls) = (ToolCallReader::default(), Vec::new());
        let text = |text: &str| Some(text.to_owned());
        for (index, id, name, arguments) in pieces {
            let piece = reader.read(*index, text(id), text(name), (*arguments).to_owned());
            piece.iter().for_each(|piece| ToolCall::join(&mut calls, piece));
        }
        calls.into_iter().map(|call| (call.id, call.name, call.arguments)).collect()
    }

    fn call(id: &str, name: &str, arguments: &str) -> (String, String, String) {
        (id.to_owned(), name.to_owned(), arguments.to_owned())
    }

    #[test]
    fn calls_come_in_pieces_as_openai_sends_them() {
        let pieces = [
            (Some(0), "c1", "a", ""),
            (Some(0), "", "", "{"),
            (Some(0), "", "", "}"),
            (Some(1), "c2", "b", ""),
            (Some(1), "", "", "{}"),
        ];
        assert_eq!(calls(&pieces), [call("c1", "a", "{}"), call("c2", "b", "{}")]);
    }

    #[test]
    fn a_name_and_an_id_that_come_anew_with_every_piece_are_one_call() {
        let pieces = [(Some(0), "c1", "a", "{"), (Some(0), "c2", "a", "}")];
        assert_eq!(calls(&pieces), [call("c1", "a", "{}")]);
        let pieces = [(Some(0), "c1", "a", ""), (Some(0), "c2", "", "{}")];
        assert_eq!(calls(&pieces), [call("c1", "a", "{}")]);
    }

    #[test]
    fn a_name_that_comes_again_at_the_end_is_no_other_call() {
        for id in ["c1", ""] {
            let pieces = [(Some(0), id, "a", r#"{"x":1}"#), (Some(0), id, "a", "")];
            let calls = calls(&pieces);
            assert_eq!((calls.len(), calls[0].2.as_str()), (1, r#"{"x":1}"#));
        }
    }

    #[test]
    fn calls_with_the_same_number_are_told_apart_by_their_arguments_and_names() {
        let pieces = [(Some(0), "c1", "a", "{}"), (Some(0), "c2", "a", "{}"), (Some(0), "c3", "b", "{}")];
        assert_eq!(calls(&pieces), [call("c1", "a", "{}"), call("c2", "a", "{}"), call("c3", "b", "{}")]);
    }

    #[test]
    fn calls_without_numbers_come_one_after_the_other() {
        let pieces = [(None, "c1", "a", "{"), (None, "", "", "}"), (None, "c2", "b", "{}")];
        assert_eq!(calls(&pieces), [call("c1", "a", "{}"), call("c2", "b", "{}")]);
    }

    #[test]
    fn numbers_are_without_gaps_and_every_call_has_an_id() {
        let pieces = [(Some(1), "", "a", "{}"), (Some(3), "", "b", "{}")];
        let calls = calls(&pieces);
        assert_eq!(calls.len(), 2);
        assert!(calls.iter().all(|(id, ..)| id.len() == 9) && calls[0].0 != calls[1].0);
    }

    #[test]
    fn a_call_without_arguments_gets_an_empty_object_once() {
        let mut reader = ToolCallReader::default();
        reader.read(Some(0), None, Some("a".to_owned()), String::new());
        assert_eq!(reader.read(Some(0), None, None, String::new()), None, "nothing is no piece");
        let arguments: Vec<_> =
            reader.finish().into_iter().map(|piece| (piece.index, piece.arguments)).collect();
        assert_eq!(arguments, [(0, "{}".to_owned())]);
        assert_eq!(reader.finish(), []);
    }

    #[test]
    fn what_belongs_to_no_call_is_left_out() {
        assert_eq!(calls(&[(Some(0), "", "", "{}")]), []);
    }
}
