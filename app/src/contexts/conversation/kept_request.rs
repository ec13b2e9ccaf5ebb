//! A request that sends a draft, kept in the tab beside it until the server is known to have it: the page may die before, and
//! the draft is then sent again.

use super::asking::{prompt_of, same_text};
use crate::browser::drafts;
use crate::types::ReplyRequest;

pub(super) fn read(draft_key: &str) -> Option<ReplyRequest> {
    serde_json::from_str(&drafts::read(&key(draft_key))?).ok()
}

pub(super) fn write(draft_key: &str, request: &ReplyRequest) {
    if prompt_of(request).is_some()
        && let Ok(text) = serde_json::to_string(request)
    {
        drafts::write(&key(draft_key), &text);
    }
}

pub(super) fn forget(draft_key: &str) {
    drafts::write(&key(draft_key), "");
}

pub(super) fn forget_unless_it_sends(draft_key: &str, draft: &str) {
    let kept = read(draft_key);
    if kept.as_ref().and_then(prompt_of).is_some_and(|prompt| !same_text(draft, prompt)) {
        forget(draft_key);
    }
}

fn key(draft_key: &str) -> String {
    format!("request:{draft_key}")
}
