//! A reply before it is sent: its text, cut into chunks, its pace, its usage and its ending.

use std::time::Duration;

use crate::model::script::{Ending, NamedUsage, Script, UsageReport};
use crate::model::{answers, tokens};

// A pace at which people like to read along.
const FIRST_TOKEN_DELAY: Duration = Duration::from_millis(250);
const GAP: Duration = Duration::from_millis(25);

/// Why a reply stops where it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FinishReason {
    Stop,
    Length,
}

/// Tokens as reported to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) prompt_tokens: u64,
    pub(crate) completion_tokens: u64,
}

/// A reply, ready to be put on the wire.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) chunks: Vec<String>,
    pub(crate) finish_reason: FinishReason,
    /// `None` when the script wants it missing.
    pub(crate) usage: Option<Usage>,
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
            (None, None) => answers::choose(prompt).to_owned(),
        };
        let text = max_tokens.map_or(whole.as_str(), |limit| tokens::truncate(&whole, limit));
        let exact = Usage { prompt_tokens, completion_tokens: tokens::count(text) };
        Self {
            chunks: match script.chunk_chars {
                Some(size) => chunks_of(text, size),
                None => words(text),
            },
            finish_reason: if text.len() < whole.len() { FinishReason::Length } else { FinishReason::Stop },
            usage: reported(script.usage, exact),
            first_token_delay: script.first_token_delay_ms.map_or(FIRST_TOKEN_DELAY, Duration::from_millis),
            gap: script.gap_ms.map_or(GAP, Duration::from_millis),
            ending: script.ending(),
        }
    }

    /// How long the reply takes to be complete.
    pub(crate) fn duration(&self) -> Duration {
        let gaps = u32::try_from(self.chunks.len().saturating_sub(1)).unwrap_or(u32::MAX);
        self.first_token_delay + self.gap.saturating_mul(gaps)
    }
}

fn reported(report: UsageReport, exact: Usage) -> Option<Usage> {
    match report {
        UsageReport::Named(NamedUsage::Exact) => Some(exact),
        UsageReport::Named(NamedUsage::Missing) => None,
        UsageReport::Named(NamedUsage::Zero) => Some(Usage { prompt_tokens: 0, completion_tokens: 0 }),
        UsageReport::Fixed(fixed) => {
            Some(Usage { prompt_tokens: fixed.prompt_tokens, completion_tokens: fixed.completion_tokens })
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
        assert_eq!((reply.chunks.concat().as_str(), reply.finish_reason), ("one two ", FinishReason::Length));
        assert_eq!(reply.usage, Some(Usage { prompt_tokens: 5, completion_tokens: 2 }));
        let reply = Reply::write("", 5, Some(4), &script());
        assert_eq!(
            (reply.chunks.concat().as_str(), reply.finish_reason),
            ("one two three", FinishReason::Stop)
        );
    }

    #[test]
    fn scripts_set_the_chunks_and_the_usage() {
        let zero = UsageReport::Named(NamedUsage::Zero);
        let reply = Reply::write("", 5, None, &Script { chunk_chars: Some(5), usage: zero, ..script() });
        assert_eq!(reply.chunks, ["one t", "wo th", "ree"]);
        assert_eq!(reply.usage, Some(Usage { prompt_tokens: 0, completion_tokens: 0 }));
        let missing = UsageReport::Named(NamedUsage::Missing);
        assert_eq!(Reply::write("", 5, None, &Script { usage: missing, ..script() }).usage, None);
    }
}
