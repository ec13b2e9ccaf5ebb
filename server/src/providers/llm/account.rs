//! What providers say of our account with them as if the request were wrong. These few words are known; nothing of them is
//! passed on, logged or kept.

use serde_json::Value;

/// How such a message begins, with status 400. No more of it is looked at: further on, it may quote the conversation.
const OF_ACCOUNT: [&str; 8] = [
    // Anthropic. <https://github.com/anthropics/claude-code/issues/66314>, <https://github.com/anthropics/claude-code/issues/8327>
    "Your credit balance is too low",
    "You have reached your specified API usage limits",
    "This organization has been disabled",
    // DeepSeek. <https://api-docs.deepseek.com/quick_start/error_codes>
    "Insufficient Balance",
    // Google. <https://github.com/cequence-io/openai-scala-client/issues/109>
    "API key not valid",
    "API key expired",
    // Groq. <https://github.com/NVIDIA-NeMo/Guardrails/issues/563>
    "Organization has been restricted",
    // xAI. <https://github.com/openai/codex/issues/1352>
    "Incorrect API key provided",
];

/// A refusal that says that our account has no credit, is turned off, or has another key.
pub(super) fn is_about_account(body: &[u8]) -> bool {
    let Ok(body) = serde_json::from_slice::<Value>(body) else { return false };
    // Google puts it into an array, and xAI has the message alone.
    let error = &body.get(0).unwrap_or(&body)["error"];
    let message = error.as_str().or_else(|| error["message"].as_str()).unwrap_or_default();
    OF_ACCOUNT.iter().any(|words| message.starts_with(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_without_credit_or_with_a_wrong_key_is_known_by_how_the_message_begins() {
        for body in [
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API."}}"#,
            r#"[{"error":{"code":400,"message":"API key not valid. Please pass a valid API key."}}]"#,
            r#"{"code":"Client specified an invalid argument","error":"Incorrect API key provided: x***y."}"#,
        ] {
            assert!(is_about_account(body.as_bytes()), "{body}");
        }
    }

    #[test]
    fn nobody_can_make_a_refusal_look_so_by_what_they_ask() {
        for body in [
            r#"{"error":{"message":"Invalid content: API key not valid"}}"#,
            r#"{"error":{"message":"no","param":"API key not valid"}}"#,
            "API key not valid",
            "{}",
        ] {
            assert!(!is_about_account(body.as_bytes()), "{body}");
        }
    }
}
