//! Scripts: what a test wants the model to do with one request.

use serde::{Deserialize, Serialize};
use serde_json::Value;

const LONGEST_FILLER: usize = 1_000_000;
const LONGEST_FRAME_BYTES: usize = 64 * 1024 * 1024;

/// Says how requests whose last user message contains `match` are answered. Anything left out is as without a script.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Script {
    /// Text the last user message has to contain. Empty matches every request.
    #[serde(rename = "match")]
    pub(crate) matches: String,
    /// Serve only this upstream: requests with the key `sandbox-key-<upstream>`, or with `sandbox-key` when empty.
    #[serde(default)]
    pub(crate) upstream: Option<String>,
    /// How many requests this script serves; for ever when left out.
    #[serde(default)]
    pub(crate) times: Option<u32>,
    /// The exact answer.
    #[serde(default)]
    pub(crate) text: Option<String>,
    /// Answer with filler of this many tokens instead.
    #[serde(default)]
    pub(crate) length_tokens: Option<usize>,
    /// Tools that the model calls after what it says, which is nothing unless `text` is given.
    #[serde(default)]
    pub(crate) tool_calls: Vec<ScriptedCall>,
    /// What the model thinks before it answers.
    #[serde(default)]
    pub(crate) reasoning: Option<String>,
    /// Pause before the first chunk, or before the error `status`.
    #[serde(default)]
    pub(crate) first_token_delay_ms: Option<u64>,
    /// Pause between chunks.
    #[serde(default)]
    pub(crate) gap_ms: Option<u64>,
    /// Characters in a chunk; a word when left out.
    #[serde(default)]
    pub(crate) chunk_chars: Option<usize>,
    /// Close the connection without a byte of an answer.
    #[serde(default)]
    pub(crate) refused: bool,
    /// Answer with this HTTP error instead.
    #[serde(default)]
    pub(crate) status: Option<u16>,
    /// What the HTTP error says, instead of the usual words for its status.
    #[serde(default)]
    pub(crate) error_message: Option<String>,
    /// `Retry-After` of the HTTP error.
    #[serde(default)]
    pub(crate) retry_after_seconds: Option<u64>,
    /// Drop the connection after this many chunks.
    #[serde(default)]
    pub(crate) cut_after_chunks: Option<usize>,
    /// End the body cleanly, but too early, after this many chunks.
    #[serde(default)]
    pub(crate) end_after_chunks: Option<usize>,
    /// Send nothing more after this many chunks, and keep the connection open.
    #[serde(default)]
    pub(crate) stall_after_chunks: Option<usize>,
    /// Send an error frame after this many chunks, then end.
    #[serde(default)]
    pub(crate) error_after_chunks: Option<usize>,
    /// Say more than the request allows.
    #[serde(default)]
    pub(crate) ignores_cap: bool,
    /// End as if a filter had taken offence.
    #[serde(default)]
    pub(crate) filtered: bool,
    /// Keep the connection open after the last frame.
    #[serde(default)]
    pub(crate) never_closes: bool,
    /// What is reported as usage.
    #[serde(default)]
    pub(crate) usage: UsageReport,
    /// Send the first frame before anything else, with all of the usage, whatever goes wrong after it.
    #[serde(default)]
    pub(crate) usage_first: bool,
    /// Prompt tokens reported as read from a cache.
    #[serde(default)]
    pub(crate) cached_tokens: Option<u64>,
    /// Tokens reported as spent on reasoning, seen or not; those of `reasoning` when left out.
    #[serde(default)]
    pub(crate) reasoning_tokens: Option<u64>,
    /// Pad the frame of the first chunk to this size.
    #[serde(default)]
    pub(crate) frame_bytes: Option<usize>,
    /// Cut the body into writes of this many bytes, wherever that falls.
    #[serde(default)]
    pub(crate) split_bytes: Option<usize>,
    /// End lines with CR LF.
    #[serde(default)]
    pub(crate) crlf: bool,
    /// Put a comment before every frame.
    #[serde(default)]
    pub(crate) comments: bool,
}

/// A call of a tool.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScriptedCall {
    pub(crate) name: String,
    /// Sent as they are; any JSON.
    #[serde(default)]
    pub(crate) arguments: Value,
}

/// What the model reports as usage.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(untagged)]
pub(crate) enum UsageReport {
    Named(NamedUsage),
    Fixed(FixedUsage),
}

/// A usage report that needs no numbers.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NamedUsage {
    Exact,
    Missing,
    Zero,
}

/// A usage report with numbers of the test's choice.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct FixedUsage {
    pub(crate) prompt_tokens: u64,
    pub(crate) completion_tokens: u64,
}

impl Default for UsageReport {
    fn default() -> Self {
        Self::Named(NamedUsage::Exact)
    }
}

/// How a streamed answer goes wrong, and after how many chunks, reasoning included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Cut(usize),
    Early(usize),
    Stall(usize),
    Error(usize),
}

impl Script {
    /// Whether this script may serve a request.
    pub(super) fn is_for(&self, upstream: &str, last_user_message: &str) -> bool {
        self.upstream.as_ref().is_none_or(|only| only == upstream)
            && last_user_message.contains(&self.matches)
    }

    /// How the answer goes wrong, if it does.
    pub(crate) fn ending(&self) -> Option<Ending> {
        self.endings().into_iter().flatten().next()
    }

    fn endings(&self) -> [Option<Ending>; 4] {
        [
            self.cut_after_chunks.map(Ending::Cut),
            self.end_after_chunks.map(Ending::Early),
            self.stall_after_chunks.map(Ending::Stall),
            self.error_after_chunks.map(Ending::Error),
        ]
    }

    /// Refuses what contradicts itself: a test that asks for it means something else.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let is_error_status = |status| (400..=599).contains(&status);
        let rules = [
            (
                self.text.is_none() || self.length_tokens.is_none(),
                "`text` and `length_tokens` exclude each other",
            ),
            (self.endings().iter().flatten().count() <= 1, "only one `…_after_chunks` can happen"),
            (self.status.is_none_or(is_error_status), "`status` must be 400 to 599"),
            (
                self.retry_after_seconds.is_none() || self.status.is_some(),
                "`retry_after_seconds` needs `status`",
            ),
            (self.error_message.is_none() || self.status.is_some(), "`error_message` needs `status`"),
            (!self.refused || self.status.is_none(), "`refused` and `status` exclude each other"),
            (self.chunk_chars != Some(0) && self.split_bytes != Some(0), "sizes must be at least 1"),
            (self.times != Some(0), "`times` must be at least 1"),
            (
                self.length_tokens.is_none_or(|length| length <= LONGEST_FILLER),
                "`length_tokens` is over a million",
            ),
            (self.frame_bytes.is_none_or(|size| size <= LONGEST_FRAME_BYTES), "`frame_bytes` is over 64 MiB"),
        ];
        rules.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, message)| Err(message))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn script(value: Value) -> Script {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn usage_is_a_word_or_numbers() {
        let usage = |value| script(json!({"match": "", "usage": value})).usage;
        assert_eq!(usage(json!("missing")), UsageReport::Named(NamedUsage::Missing));
        let fixed = FixedUsage { prompt_tokens: 3, completion_tokens: 4 };
        assert_eq!(usage(json!({"prompt_tokens": 3, "completion_tokens": 4})), UsageReport::Fixed(fixed));
        assert_eq!(script(json!({"match": ""})).usage, UsageReport::Named(NamedUsage::Exact));
    }

    #[test]
    fn mistakes_are_refused() {
        assert!(serde_json::from_value::<Script>(json!({"match": "t", "gap": 1})).is_err());
        for contradiction in [
            json!({"match": "t", "text": "a", "length_tokens": 1}),
            json!({"match": "t", "cut_after_chunks": 1, "stall_after_chunks": 1}),
            json!({"match": "t", "status": 200}),
            json!({"match": "t", "retry_after_seconds": 1}),
            json!({"match": "t", "error_message": "no"}),
            json!({"match": "t", "refused": true, "status": 500}),
            json!({"match": "t", "split_bytes": 0}),
            json!({"match": "t", "frame_bytes": 100_000_000}),
            json!({"match": "t", "times": 0}),
        ] {
            assert!(script(contradiction.clone()).check().is_err(), "{contradiction}");
        }
    }
}
