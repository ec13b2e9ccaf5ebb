//! The list of events.

use serde_json::Value;

use crate::stripe::books::Books;
use crate::stripe::error::Answer;
use crate::stripe::form::Params;
use crate::stripe::list;
use crate::stripe::objects::Fields;

/// Stripe keeps events for so long.
const KEPT_SECONDS: i64 = 30 * 86_400;

pub(crate) fn list(books: &Books, params: &Params) -> Answer {
    let types = params.texts("types");
    let oldest = books.now() - KEPT_SECONDS;
    let is_asked = |event: &Value| {
        let own = event.text("type");
        types.is_empty() || types.iter().any(|wanted| matches(wanted, own))
    };
    list::page(books, "event", "/v1/events", params, |event| {
        event.integer("created") >= oldest
            && params.text("type").is_none_or(|wanted| matches(wanted, event.text("type")))
            && is_asked(event)
    })
}

/// `invoice.paid`, or `invoice.*` for all of a kind.
fn matches(wanted: &str, event_type: &str) -> bool {
    match wanted.strip_suffix('*') {
        Some(prefix) => event_type.starts_with(prefix),
        None => event_type == wanted,
    }
}
