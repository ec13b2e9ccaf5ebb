//! Makes requests, and makes them again so that they are answered and billed once.

use super::Refusal;
use crate::browser;
use crate::types::{ClientRequestId, Prompt, ReplyRequest, ReplyTarget};

/// The request for this target. The same target after a refusal is the same request, though perhaps of another model.
pub(super) fn request_for(
    target: ReplyTarget,
    refusal: Option<Refusal>,
    model: Option<String>,
) -> Option<ReplyRequest> {
    let client_request_id = refused_id(&target, refusal.as_ref()).or_else(browser::new_request_id)?;
    Some(ReplyRequest { client_request_id, target, max_output_tokens: None, model })
}

fn refused_id(target: &ReplyTarget, refusal: Option<&Refusal>) -> Option<ClientRequestId> {
    let refused = &refusal?.request;
    (refused.target == *target).then_some(refused.client_request_id)
}

pub(super) fn prompt_of(request: &ReplyRequest) -> Option<&Prompt> {
    match &request.target {
        ReplyTarget::NewThread { prompt } | ReplyTarget::Thread { prompt, .. } => Some(prompt),
        ReplyTarget::Retry { .. } | ReplyTarget::Continue { .. } => None,
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

    use super::{Refusal, request_for, with_text_before};
    use crate::ApiError;
    use crate::types::{ClientRequestId, MessageId, ReplyRequest, ReplyTarget, ThreadId};

    fn continuing(message: u128) -> ReplyTarget {
        let thread_id = ThreadId(Uuid::from_u128(1));
        ReplyTarget::Continue { thread_id, message_id: MessageId(Uuid::from_u128(message)) }
    }

    fn refused(target: ReplyTarget) -> Refusal {
        let client_request_id = ClientRequestId(Uuid::from_u128(7));
        let request = ReplyRequest { client_request_id, target, max_output_tokens: None, model: None };
        Refusal { error: ApiError::Connection, fits_at: None, request }
    }

    #[test]
    fn the_same_target_after_a_refusal_keeps_its_id() {
        let request = request_for(continuing(2), Some(refused(continuing(2))), Some("large".to_owned()));
        let request = request.expect("a request");
        assert_eq!(request.client_request_id, ClientRequestId(Uuid::from_u128(7)));
        assert_eq!(request.model.as_deref(), Some("large"), "the choice of now");
    }

    #[test]
    fn another_target_is_another_request() {
        let request = request_for(continuing(3), Some(refused(continuing(2))), None);
        assert!(
            request.is_none_or(|request| request.client_request_id != ClientRequestId(Uuid::from_u128(7)))
        );
    }

    #[test]
    fn a_refused_text_comes_back_and_nothing_written_meanwhile_is_lost() {
        assert_eq!(with_text_before("old", " \n"), "old");
        assert_eq!(with_text_before("old", "new"), "old\n\nnew");
    }
}
