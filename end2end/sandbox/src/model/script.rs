//! Scripts: what a test wants the model to do with one request.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

const LONGEST_FILLER: usize = 1_000_000;

/// Says how requests whose last user message contains `match` are answered. Anything left out is as without a script.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Script {
    /// Text the last user message has to contain. Empty matches every request.
    #[serde(rename = "match")]
    pub(crate) matches: String,
    /// How many requests this script serves; for ever when left out.
    #[serde(default)]
    pub(crate) times: Option<u32>,
    /// The exact answer.
    #[serde(default)]
    pub(crate) text: Option<String>,
    /// Answer with filler of this many tokens instead.
    #[serde(default)]
    pub(crate) length_tokens: Option<usize>,
    /// Pause before the first content, or before the error `status`.
    #[serde(default)]
    pub(crate) first_token_delay_ms: Option<u64>,
    /// Pause between chunks of content.
    #[serde(default)]
    pub(crate) gap_ms: Option<u64>,
    /// Characters in a chunk; a word when left out.
    #[serde(default)]
    pub(crate) chunk_chars: Option<usize>,
    /// Answer with this HTTP error instead.
    #[serde(default)]
    pub(crate) status: Option<u16>,
    /// `Retry-After` of the HTTP error.
    #[serde(default)]
    pub(crate) retry_after_seconds: Option<u64>,
    /// Drop the connection after this many chunks of content.
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
    /// What is reported as usage.
    #[serde(default)]
    pub(crate) usage: UsageReport,
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

/// How a streamed answer goes wrong, and after how many chunks of content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Cut(usize),
    Early(usize),
    Stall(usize),
    Error(usize),
}

impl Script {
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
    fn check(&self) -> Result<(), &'static str> {
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
            (self.chunk_chars != Some(0) && self.split_bytes != Some(0), "sizes must be at least 1"),
            (self.times != Some(0), "`times` must be at least 1"),
            (
                self.length_tokens.is_none_or(|length| length <= LONGEST_FILLER),
                "`length_tokens` is over a million",
            ),
        ];
        rules.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, message)| Err(message))
    }
}

/// The registered scripts, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Scripts(Mutex<Vec<Script>>);

impl Scripts {
    /// Registers a script; from now on it goes before older ones.
    pub(crate) fn register(&self, script: Script) -> Result<(), &'static str> {
        script.check()?;
        self.lock().push(script);
        Ok(())
    }

    /// Forgets all scripts, or those registered with exactly this `match`.
    pub(crate) fn clear(&self, matches: Option<&str>) {
        self.lock().retain(|script| matches.is_some_and(|matches| script.matches != matches));
    }

    /// Takes the script for a request, using up one of its times.
    pub(crate) fn take(&self, last_user_message: &str) -> Option<Script> {
        let mut scripts = self.lock();
        let index = scripts.iter().rposition(|script| last_user_message.contains(&script.matches))?;
        let script = scripts[index].clone();
        match &mut scripts[index].times {
            Some(1) => drop(scripts.remove(index)),
            Some(left) => *left -= 1,
            None => {}
        }
        Some(script)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Script>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn script(value: serde_json::Value) -> Script {
        serde_json::from_value(value).unwrap()
    }

    fn texts(scripts: &Scripts, prompts: &[&str]) -> Vec<Option<String>> {
        prompts.iter().map(|prompt| scripts.take(prompt).and_then(|script| script.text)).collect()
    }

    #[test]
    fn the_latest_match_wins_as_often_as_it_may() {
        let scripts = Scripts::default();
        scripts.register(script(json!({"match": "t-1", "text": "old"}))).unwrap();
        scripts.register(script(json!({"match": "t-1", "text": "new", "times": 2}))).unwrap();
        let prompts = ["say t-1", "t-1", "unrelated", "t-1", "t-1"];
        let expected = [Some("new"), Some("new"), None, Some("old"), Some("old")];
        assert_eq!(texts(&scripts, &prompts), expected.map(|text| text.map(str::to_owned)));
    }

    #[test]
    fn clearing_can_spare_other_tests() {
        let scripts = Scripts::default();
        for name in ["t-1", "t-2"] {
            scripts.register(script(json!({"match": name}))).unwrap();
        }
        scripts.clear(Some("t-1"));
        assert!(scripts.take("t-1").is_none() && scripts.take("t-2").is_some());
        scripts.clear(None);
        assert!(scripts.take("t-2").is_none());
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
            json!({"match": "t", "split_bytes": 0}),
            json!({"match": "t", "times": 0}),
        ] {
            assert!(Scripts::default().register(script(contradiction.clone())).is_err(), "{contradiction}");
        }
    }
}
