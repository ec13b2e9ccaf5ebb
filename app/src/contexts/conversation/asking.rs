//! Makes requests, and makes them again so that they are answered and billed once.

use crate::browser;
use crate::types::{Prompt, ReplyRequest, ReplyTarget};

/// The request for this target. The same target as that of one of the `earlier` requests, which may have been admitted
/// without anybody knowing, is the same request, though perhaps of another model.
pub(super) fn request_for<'a>(
    target: ReplyTarget,
    earlier: impl IntoIterator<Item = &'a ReplyRequest>,
    model: Option<String>,
) -> Option<ReplyRequest> {
    let same = earlier.into_iter().find(|request| asks_the_same(&request.target, &target));
    let client_request_id = same.map(|request| request.client_request_id).or_else(browser::new_request_id)?;
    Some(ReplyRequest { client_request_id, target, max_output_tokens: None, model })
}

/// Whatever is seen by now: what is seen last may be the earlier request itself.
fn asks_the_same(earlier: &ReplyTarget, target: &ReplyTarget) -> bool {
    match (earlier, target) {
        (
            ReplyTarget::Thread { thread_id, prompt, .. },
            ReplyTarget::Thread { thread_id: same_thread, prompt: same_prompt, .. },
        ) => (thread_id, prompt) == (same_thread, same_prompt),
        _ => earlier == target,
    }
}

/// What was in the composer.
pub(super) fn prompt_of(request: &ReplyRequest) -> Option<&Prompt> {
    match &request.target {
        ReplyTarget::NewThread { prompt } | ReplyTarget::Thread { prompt, .. } => Some(prompt),
        ReplyTarget::Edit { .. } | ReplyTarget::Retry { .. } | ReplyTarget::Continue { .. } => None,
    }
}

pub(super) fn same_text(draft: &str, prompt: &Prompt) -> bool {
    Prompt::parse(draft).is_ok_and(|draft| draft == *prompt)
}

/// Puts a refused text back without touching what was written meanwhile.
pub(super) fn with_text_before(text: &str, draft: &str) -> String {
    if draft.trim().is_empty() { text.to_owned() } else { format!("{text}\n\n{draft}") }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{request_for, with_text_before};
    use crate::types::{ClientRequestId, MessageId, Prompt, ReplyRequest, ReplyTarget, ThreadId};

    fn continuing(message: u128) -> ReplyTarget {
        let thread_id = ThreadId(Uuid::from_u128(1));
        ReplyTarget::Continue { thread_id, message_id: MessageId(Uuid::from_u128(message)) }
    }

    fn request(id: u128, target: ReplyTarget) -> ReplyRequest {
        let client_request_id = ClientRequestId(Uuid::from_u128(id));
        ReplyRequest { client_request_id, target, max_output_tokens: None, model: None }
    }

    #[test]
    fn the_same_target_keeps_the_id_it_was_asked_for_with() {
        let earlier = [request(7, continuing(1)), request(8, continuing(2))];
        let asked = request_for(continuing(2), &earlier, Some("large".to_owned())).expect("a request");
        assert_eq!(asked.client_request_id, ClientRequestId(Uuid::from_u128(8)));
        assert_eq!(asked.model.as_deref(), Some("large"), "the choice of now");
    }

    #[test]
    fn a_page_that_sees_more_by_now_asks_the_same() {
        let sending = |after: Option<u128>| ReplyTarget::Thread {
            thread_id: ThreadId(Uuid::from_u128(1)),
            prompt: Prompt::parse("and?").expect("words"),
            after: after.map(|id| MessageId(Uuid::from_u128(id))),
        };
        let asked = request_for(sending(Some(5)), &[request(7, sending(Some(3)))], None).expect("a request");
        assert_eq!(asked, request(7, sending(Some(5))));
    }

    #[test]
    fn another_target_is_another_request() {
        let asked = request_for(continuing(3), &[request(7, continuing(2))], None);
        assert!(asked.is_none_or(|request| request.client_request_id != ClientRequestId(Uuid::from_u128(7))));
    }

    #[test]
    fn a_refused_text_comes_back_and_nothing_written_meanwhile_is_lost() {
        assert_eq!(with_text_before("old", " \n"), "old");
        assert_eq!(with_text_before("old", "new"), "old\n\nnew");
    }
}
