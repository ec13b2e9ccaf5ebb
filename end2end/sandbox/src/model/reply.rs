//! A reply before it is sent: its text, cut into chunks, its pace, its usage and its ending.

use std::iter;
use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;

use crate::model::script::{Ending, FixedUsage, NamedUsage, Script, ScriptedCall, UsageReport};
use crate::model::{answers, tokens};

// A pace at which people like to read along.
const FIRST_TOKEN_DELAY: Duration = Duration::from_millis(250);
const GAP: Duration = Duration::from_millis(25);

/// Why a reply stops where it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FinishReason {
    Stop,
    Length,
    Filter,
    ToolCalls,
}

/// Tokens as reported to the client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// All of the prompt, cached or not.
    pub(crate) prompt_tokens: u64,
    pub(crate) cached_tokens: u64,
    /// All of the answer, reasoning or not.
    pub(crate) completion_tokens: u64,
    pub(crate) reasoning_tokens: u64,
}

/// A tool that the model calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ToolCall {
    pub(crate) id: String,
    pub(crate) name: String,
    /// JSON, or nothing where there are none.
    pub(crate) arguments: String,
}

/// A piece of a reply. Reasoning comes first, tools last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Chunk {
    Reasoning(String),
    Text(String),
    /// A call begins, without its arguments.
    Call {
        id: String,
        name: String,
    },
    /// Of the call begun last.
    Arguments(String),
}

impl Chunk {
    fn as_reasoning(&self) -> Option<&str> {
        if let Self::Reasoning(text) = self { Some(text) } else { None }
    }

    fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }
}

/// A reply, ready to be put on the wire.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) chunks: Vec<Chunk>,
    pub(crate) tool_calls: Vec<ToolCall>,
    pub(crate) finish_reason: FinishReason,
    /// `None` when the script wants it missing.
    pub(crate) usage: Option<Usage>,
    /// The first frame tells the usage and comes before the first chunk.
    pub(crate) usage_first: bool,
    /// The connection stays open behind the last frame.
    pub(crate) never_closes: bool,
    pub(crate) first_token_delay: Duration,
    pub(crate) gap: Duration,
    pub(crate) ending: Option<Ending>,
}

impl Reply {
    /// Writes the reply to a prompt, as the script says.
    pub(crate) fn write(prompt: &str, prompt_tokens: u64, max_tokens: Option<u64>, script: &Script) -> Self {
        let whole = match (&script.text, script.length_tokens) {
            (Some(text), _) => text.clone(),
            (None, Some(length)) => tokens::filler(length),
            (None, None) if !script.tool_calls.is_empty() => String::new(),
            (None, None) => answers::choose(prompt).to_owned(),
        };
        let tool_calls: Vec<_> = script.tool_calls.iter().map(ToolCall::from).collect();
        let call_tokens: u64 =
            tool_calls.iter().map(|call| tokens::count(&call.name) + tokens::count(&call.arguments)).sum();
        // Vendors count reasoning towards the limit, seen or not.
        let limit = max_tokens.filter(|_| !script.ignores_cap).unwrap_or(u64::MAX);
        let thought = script.reasoning.as_deref().unwrap_or_default();
        let reasoning = tokens::truncate(thought, limit);
        let reasoning_tokens = script.reasoning_tokens.unwrap_or_else(|| tokens::count(reasoning)).min(limit);
        let text = tokens::truncate(&whole, limit - reasoning_tokens);
        let is_cut = reasoning.len() < thought.len() || text.len() < whole.len();
        let exact = Usage {
            prompt_tokens,
            cached_tokens: script.cached_tokens.unwrap_or(0),
            completion_tokens: reasoning_tokens + tokens::count(text) + call_tokens,
            reasoning_tokens,
        };
        let split = |text| script.chunk_chars.map_or_else(|| words(text), |size| chunks_of(text, size));
        let chunks = split(reasoning).into_iter().map(Chunk::Reasoning);
        let chunks = chunks.chain(split(text).into_iter().map(Chunk::Text));
        let calls = tool_calls.iter().flat_map(|ToolCall { id, name, arguments }| {
            let begun = Chunk::Call { id: id.clone(), name: name.clone() };
            iter::once(begun).chain(split(arguments).into_iter().map(Chunk::Arguments))
        });
        Self {
            chunks: chunks.chain(calls).collect(),
            finish_reason: match (script.filtered, is_cut) {
                (true, _) => FinishReason::Filter,
                (false, true) => FinishReason::Length,
                (false, false) if !tool_calls.is_empty() => FinishReason::ToolCalls,
                (false, false) => FinishReason::Stop,
            },
            tool_calls,
            usage: reported(script.usage, exact),
            usage_first: script.usage_first,
            never_closes: script.never_closes,
            first_token_delay: script.first_token_delay_ms.map_or(FIRST_TOKEN_DELAY, Duration::from_millis),
            gap: script.gap_ms.map_or(GAP, Duration::from_millis),
            ending: script.ending(),
        }
    }

    /// The whole reasoning.
    pub(crate) fn reasoning(&self) -> String {
        self.chunks.iter().filter_map(Chunk::as_reasoning).collect()
    }

    /// The whole answer.
    pub(crate) fn text(&self) -> String {
        self.chunks.iter().filter_map(Chunk::as_text).collect()
    }

    /// How long the reply takes to be complete.
    pub(crate) fn duration(&self) -> Duration {
        let gaps = u32::try_from(self.chunks.len().saturating_sub(1)).unwrap_or(u32::MAX);
        self.first_token_delay + self.gap.saturating_mul(gaps)
    }
}

impl From<&ScriptedCall> for ToolCall {
    fn from(call: &ScriptedCall) -> Self {
        let arguments = match &call.arguments {
            Value::Null => String::new(),
            arguments => arguments.to_string(),
        };
        Self { id: format!("call_{}", Uuid::new_v4().simple()), name: call.name.clone(), arguments }
    }
}

fn reported(report: UsageReport, exact: Usage) -> Option<Usage> {
    match report {
        UsageReport::Named(NamedUsage::Exact) => Some(exact),
        UsageReport::Named(NamedUsage::Missing) => None,
        UsageReport::Named(NamedUsage::Zero) => Some(Usage::default()),
        UsageReport::Fixed(fixed) => {
            let FixedUsage { prompt_tokens, completion_tokens } = fixed;
            Some(Usage { prompt_tokens, completion_tokens, ..exact })
        }
    }
}

fn chunks_of(text: &str, size: usize) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    characters.chunks(size).map(|chunk| chunk.iter().collect()).collect()
}

/// Words with the whitespace after them; scripts written without spaces come a character at a time, as from real models.
fn words(text: &str) -> Vec<String> {
    // Variation selectors lie in the same range, but belong to the emoji before them.
    let is_word_of_its_own = |c: char| matches!(c, '\u{2E80}'..='\u{FDFF}' | '\u{FE30}'..='\u{FFEF}');
    let mut words = vec![String::new()];
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if let Some(word) = words.last_mut() {
            word.push(character);
        }
        let is_last = match characters.peek() {
            Some(next) if next.is_whitespace() => false,
            Some(next) => {
                character.is_whitespace() || is_word_of_its_own(character) || is_word_of_its_own(*next)
            }
            None => false,
        };
        if is_last {
            words.push(String::new());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script() -> Script {
        Script { text: Some("one two three".into()), ..Script::default() }
    }

    #[test]
    fn words_join_to_the_text() {
        let text = "A list:\n\n- one  two\n- 日本 ok 👋\n";
        let words = words(text);
        assert_eq!(words.concat(), text);
        assert_eq!(words, ["A ", "list:\n\n", "- ", "one  ", "two\n", "- ", "日", "本 ", "ok ", "👋\n"]);
    }

    #[test]
    fn max_tokens_cuts_the_text() {
        let reply = Reply::write("", 5, Some(2), &script());
        assert_eq!((reply.text().as_str(), reply.finish_reason), ("one two ", FinishReason::Length));
        let usage = Usage { prompt_tokens: 5, completion_tokens: 2, ..Usage::default() };
        assert_eq!(reply.usage, Some(usage));
        let reply = Reply::write("", 5, Some(4), &script());
        assert_eq!((reply.text().as_str(), reply.finish_reason), ("one two three", FinishReason::Stop));
    }

    #[test]
    fn scripts_set_the_chunks_and_the_usage() {
        let zero = UsageReport::Named(NamedUsage::Zero);
        let reply = Reply::write("", 5, None, &Script { chunk_chars: Some(5), usage: zero, ..script() });
        assert_eq!(reply.chunks, ["one t", "wo th", "ree"].map(|text| Chunk::Text(text.into())));
        assert_eq!(reply.usage, Some(Usage::default()));
        let missing = UsageReport::Named(NamedUsage::Missing);
        assert_eq!(Reply::write("", 5, None, &Script { usage: missing, ..script() }).usage, None);
    }

    #[test]
    fn reasoning_comes_first_and_counts_towards_the_limit() {
        let thinking = Script { reasoning: Some("hm, so".into()), cached_tokens: Some(3), ..script() };
        let reply = Reply::write("", 5, None, &thinking);
        assert_eq!((reply.reasoning().as_str(), reply.text().as_str()), ("hm, so", "one two three"));
        assert_eq!(reply.chunks[0], Chunk::Reasoning("hm, ".into()));
        let usage =
            Usage { prompt_tokens: 5, cached_tokens: 3, completion_tokens: 2 + 4, reasoning_tokens: 2 };
        assert_eq!(reply.usage, Some(usage));
        let reply = Reply::write("", 5, Some(3), &thinking);
        assert_eq!((reply.text().as_str(), reply.finish_reason), ("one ", FinishReason::Length));
        let hidden = Script { reasoning_tokens: Some(100), ..script() };
        let reply = Reply::write("", 5, Some(50), &hidden);
        assert_eq!((reply.chunks.len(), reply.usage.unwrap().completion_tokens), (0, 50));
    }
}
