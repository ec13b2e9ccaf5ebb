use serde::{Deserialize, Serialize};

/// A tool of a program's that the model wants called before it goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// Names the call when its result is told.
    pub id: String,
    /// Of the tool.
    pub name: String,
    /// JSON, as the model has written it.
    pub arguments: String,
}

/// More of a call. The first piece of each has its id and name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCallPiece {
    /// Which call of the answer, from 0 on and without gaps.
    pub index: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// To be appended.
    pub arguments: String,
}

impl ToolCall {
    /// Adds a piece to the calls of an answer.
    pub fn join(calls: &mut Vec<Self>, piece: &ToolCallPiece) {
        let index = piece.index as usize;
        if index >= calls.len() {
            calls.resize_with(index + 1, Self::default);
        }
        let call = &mut calls[index];
        call.id.push_str(piece.id.as_deref().unwrap_or_default());
        call.name.push_str(piece.name.as_deref().unwrap_or_default());
        call.arguments.push_str(&piece.arguments);
    }

    /// What the model has written of it.
    pub fn bytes(&self) -> usize {
        self.name.len() + self.arguments.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_join_to_calls_also_when_they_alternate() {
        let piece = |index, name: Option<&str>, arguments: &str| ToolCallPiece {
            index,
            id: name.map(|name| format!("call_{name}")),
            name: name.map(str::to_owned),
            arguments: arguments.to_owned(),
        };
        let mut calls = Vec::new();
        for piece in [
            piece(0, Some("a"), ""),
            piece(1, Some("b"), "{}"),
            piece(0, None, "{\"x\""),
            piece(0, None, ":1}"),
        ] {
            ToolCall::join(&mut calls, &piece);
        }
        let call = |name: &str, arguments: &str| ToolCall {
            id: format!("call_{name}"),
            name: name.to_owned(),
            arguments: arguments.to_owned(),
        };
        assert_eq!(calls, [call("a", "{\"x\":1}"), call("b", "{}")]);
    }
}
