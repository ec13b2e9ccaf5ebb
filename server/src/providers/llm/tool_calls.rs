//! The pieces of the calls in an answer, numbered in one way whoever sends them.

use app::types::ToolCallPiece;
use uuid::Uuid;

/// The calls of one answer so far.
#[derive(Default)]
pub(super) struct ToolCallReader {
    begun: Vec<Begun>,
}

struct Begun {
    /// As the provider numbers it.
    index: Option<u32>,
    id: Option<String>,
}

impl ToolCallReader {
    /// What comes of a piece. A call begins with its name; some providers repeat its name and id with every piece, some give
    /// no id, no number, or all calls the same one. None: it is of no call that has begun.
    pub(super) fn read(
        &mut self,
        index: Option<u32>,
        id: Option<String>,
        name: Option<String>,
        arguments: String,
    ) -> Option<ToolCallPiece> {
        let [id, name] = [id, name].map(|text| text.filter(|text| !text.is_empty()));
        let same = self.begun.iter().rposition(|begun| {
            let has_same_id = id.is_none() || begun.id == id;
            match index {
                Some(_) => begun.index == index && has_same_id,
                None => name.is_none() || (id.is_some() && has_same_id),
            }
        });
        match (same, name) {
            (Some(place), _) => {
                Some(ToolCallPiece { index: number(place), arguments, ..ToolCallPiece::default() })
            }
            (None, Some(name)) => {
                self.begun.push(Begun { index, id: id.clone() });
                let id = id.unwrap_or_else(|| format!("call_{}", Uuid::new_v4().simple()));
                let index = number(self.begun.len() - 1);
                Some(ToolCallPiece { index, id: Some(id), name: Some(name), arguments })
            }
            (None, None) => None,
        }
    }
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
    fn a_name_that_is_repeated_with_every_piece_is_one_call() {
        let pieces = [(Some(0), "c1", "a", "{"), (Some(0), "c1", "a", "}")];
        assert_eq!(calls(&pieces), [call("c1", "a", "{}")]);
    }

    #[test]
    fn calls_with_the_same_number_are_told_apart_by_their_ids() {
        let pieces = [(Some(0), "c1", "a", "{}"), (Some(0), "c2", "a", "[]")];
        assert_eq!(calls(&pieces), [call("c1", "a", "{}"), call("c2", "a", "[]")]);
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
        assert!(calls.iter().all(|(id, ..)| id.starts_with("call_")) && calls[0].0 != calls[1].0);
    }

    #[test]
    fn what_belongs_to_no_call_is_left_out() {
        assert_eq!(calls(&[(Some(0), "", "", "{}")]), []);
    }
}
