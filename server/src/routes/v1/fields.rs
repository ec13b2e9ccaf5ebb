//! Fields that we do not know, and those that change nothing.

use serde_json::{Map, Value};

use super::V1Error;

/// # Errors
/// Names the first of them that would change the answer.
pub(super) fn refuse_what_is_not_done(
    fields: &Map<String, Value>,
    without_effect: &[&str],
    within: &str,
) -> Result<(), V1Error> {
    let asks = |(name, value): &(&String, &Value)| {
        !without_effect.contains(&name.as_str()) && !is_as_if_left_out(name, value)
    };
    match fields.iter().find(asks) {
        None => Ok(()),
        Some((name, _)) => {
            let param = format!("{within}{name}");
            let message = format!("`{param}` is not supported here. Leave it out.");
            Err(V1Error::invalid(message).about(param).with_code("unsupported_parameter"))
        }
    }
}

/// Clients send many fields with the value that they have anyway.
fn is_as_if_left_out(name: &str, value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_f64() == Some(if name == "n" { 1.0 } else { 0.0 }),
        Value::Array(items) if name == "modalities" => items.iter().all(|item| item == "text"),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(true) | Value::String(_) => false,
    }
}
