//! What the model says, and how.

use serde_json::{Value, json};

/// At once.
pub fn quick(text: &str) -> Value {
    paced(text, 0)
}

/// Word after word.
pub fn paced(text: &str, gap_ms: u32) -> Value {
    json!({ "text": text, "first_token_delay_ms": 0, "gap_ms": gap_ms })
}

/// Nothing, until somebody stops it.
pub fn silent() -> Value {
    json!({ "stall_after_chunks": 0 })
}

/// A first word, "said", and then nothing more.
pub fn said_then_silent() -> Value {
    json!({ "text": "said unsaid", "stall_after_chunks": 1, "first_token_delay_ms": 0 })
}
