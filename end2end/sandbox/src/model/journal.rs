//! The journal: what the model was asked, and how each reply ended.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use crate::model::fault::Fault;
use crate::model::reply::Chunk;
use crate::model::{Api, tokens};

const LONGEST_JOURNAL: usize = 10_000;
const LONGEST_MESSAGE: usize = 4_000;

/// How a reply stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReplyState {
    Streaming,
    Finished,
    ClientGone,
    Failed,
}

/// What is known of a request when it arrives.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Request {
    pub(crate) api: Api,
    pub(crate) model: String,
    pub(crate) stream: bool,
    pub(crate) max_tokens: Option<u64>,
    /// What the model was told before the conversation.
    pub(crate) instructions: Option<String>,
    pub(crate) message_count: usize,
    pub(crate) last_user_message: String,
    pub(crate) prompt_tokens: u64,
    /// What was asked for in the way of reasoning, in the vendor's words.
    pub(crate) reasoning: Option<Value>,
    /// What only OpenAI's format knows of how to answer: seed, verbosity and penalties. Null in Anthropic's.
    pub(crate) hints: Value,
    pub(crate) temperature: Option<f64>,
    pub(crate) top_p: Option<f64>,
    /// Before which texts the answer was to end, as it was sent.
    pub(crate) stop: Option<Value>,
    /// The tools, how they are to be chosen, and the format of the answer, as they were sent.
    pub(crate) tools: Option<Value>,
    pub(crate) tool_choice: Option<Value>,
    pub(crate) format: Option<Value>,
    /// What calls of tools have come to, oldest first.
    pub(crate) tool_results: Vec<ToolResult>,
}

/// What a call has come to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ToolResult {
    pub(crate) id: String,
    pub(crate) content: String,
}

/// One request and how far its reply has come.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Entry {
    pub(crate) at: DateTime<Utc>,
    /// The name in the key; empty for the key without one.
    pub(crate) upstream: String,
    #[serde(flatten)]
    pub(crate) request: Request,
    /// The fault that the dice chose.
    pub(crate) fault: Option<Fault>,
    pub(crate) state: ReplyState,
    pub(crate) chunks_sent: u64,
    /// Tokens sent so far, reasoning included, whatever was reported as usage.
    pub(crate) completion_tokens: u64,
    #[serde(skip)]
    text_characters: u64,
    #[serde(skip)]
    reasoning_characters: u64,
}

/// The last 10,000 requests, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Journal(Mutex<VecDeque<Arc<Mutex<Entry>>>>);

impl Journal {
    /// Opens an entry. Long messages are kept shortened.
    pub(crate) fn open(&self, upstream: &str, mut request: Request, fault: Option<Fault>) -> OpenEntry {
        shorten(&mut request.last_user_message);
        request.instructions.iter_mut().for_each(shorten);
        let entry = Arc::new(Mutex::new(Entry {
            at: Utc::now(),
            upstream: upstream.to_owned(),
            request,
            fault,
            state: ReplyState::Streaming,
            chunks_sent: 0,
            completion_tokens: 0,
            text_characters: 0,
            reasoning_characters: 0,
        }));
        let mut entries = lock(&self.0);
        if entries.len() == LONGEST_JOURNAL {
            entries.pop_front();
        }
        entries.push_back(Arc::clone(&entry));
        OpenEntry(entry)
    }

    /// The entries whose last user message contains `text`.
    pub(crate) fn list_containing(&self, text: &str) -> Vec<Entry> {
        let entries = lock(&self.0);
        entries
            .iter()
            .map(|entry| lock(entry))
            .filter(|entry| entry.request.last_user_message.contains(text))
            .map(|entry| entry.clone())
            .collect()
    }

    /// The latest entries, newest first.
    pub(crate) fn list_latest(&self, count: usize) -> Vec<Entry> {
        lock(&self.0).iter().rev().take(count).map(|entry| lock(entry).clone()).collect()
    }
}

/// The entry of a reply under way. Dropping it unclosed means that nobody was left to read the reply.
#[derive(Debug)]
pub(crate) struct OpenEntry(Arc<Mutex<Entry>>);

impl OpenEntry {
    /// Counts a chunk.
    pub(crate) fn count_chunk(&self, chunk: &Chunk) {
        let mut entry = lock(&self.0);
        entry.chunks_sent += 1;
        match chunk {
            Chunk::Reasoning(text) => entry.reasoning_characters += text.chars().count() as u64,
            Chunk::Text(text) | Chunk::Call { name: text, .. } | Chunk::Arguments(text) => {
                entry.text_characters += text.chars().count() as u64;
            }
        }
        entry.completion_tokens = tokens::count_characters(entry.reasoning_characters)
            + tokens::count_characters(entry.text_characters);
    }

    /// Records how the reply ended. What happens to the connection afterwards no longer matters.
    pub(crate) fn close(&self, state: ReplyState) {
        lock(&self.0).state = state;
    }
}

impl Drop for OpenEntry {
    fn drop(&mut self) {
        let mut entry = lock(&self.0);
        if entry.state == ReplyState::Streaming {
            entry.state = ReplyState::ClientGone;
        }
    }
}

fn shorten(text: &mut String) {
    if let Some((end, _)) = text.char_indices().nth(LONGEST_MESSAGE) {
        text.truncate(end);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(last_user_message: &str) -> Request {
        Request {
            api: Api::Openai,
            model: "sandbox-small".into(),
            stream: true,
            max_tokens: None,
            instructions: None,
            message_count: 1,
            last_user_message: last_user_message.into(),
            prompt_tokens: 1,
            reasoning: None,
            hints: Value::Null,
            temperature: None,
            top_p: None,
            stop: None,
            tools: None,
            tool_choice: None,
            format: None,
            tool_results: vec![],
        }
    }

    #[test]
    fn an_entry_dropped_unclosed_lost_its_client() {
        let journal = Journal::default();
        let state = || journal.list_containing("t-1")[0].state;
        let entry = journal.open("", request("t-1"), None);
        assert_eq!(state(), ReplyState::Streaming);
        drop(entry);
        assert_eq!(state(), ReplyState::ClientGone);
    }

    #[test]
    fn an_entry_keeps_its_ending_and_counts() {
        let journal = Journal::default();
        let entry = journal.open("", request("t-1"), None);
        entry.count_chunk(&Chunk::Reasoning("a".into()));
        entry.count_chunk(&Chunk::Text("abc".into()));
        entry.count_chunk(&Chunk::Text("de".into()));
        entry.close(ReplyState::Finished);
        drop(entry);
        let entries = journal.list_containing("");
        let [entry] = entries.as_slice() else { panic!("one entry") };
        assert_eq!((entry.state, entry.chunks_sent, entry.completion_tokens), (ReplyState::Finished, 3, 3));
    }

    #[test]
    fn the_journal_is_bounded() {
        let journal = Journal::default();
        for number in 0..=LONGEST_JOURNAL {
            journal.open("", request(&format!("t-{number}.")), None);
        }
        assert_eq!(journal.list_containing("").len(), LONGEST_JOURNAL);
        assert!(journal.list_containing("t-0.").is_empty());
    }
}
