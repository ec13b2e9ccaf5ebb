//! The lines of the files. Money is in dollars, exact.

use app::types::StatementEntry;

use crate::routes::download::{row, text, time};
use crate::services::usage::Reply;

pub(super) const REPLY_HEADER: &str = "settled_at,conversation,model,route,state,input_tokens,cached_input_tokens,\
    output_tokens,reasoning_tokens,is_estimated,price_version,charged_usd,reply_id,conversation_id\r\n";

pub(super) const STATEMENT_HEADER: &str = "posted_at,entry,amount_usd,balance_usd,entry_id,reply_id\r\n";

pub(super) fn reply_rows(replies: &[Reply]) -> String {
    replies.iter().filter_map(reply_row).collect()
}

/// None while it is being written.
fn reply_row(reply: &Reply) -> Option<String> {
    let charge = reply.charge.as_ref()?;
    Some(row(&[
        time(charge.settled_at),
        text(&reply.thread.title),
        text(&reply.model),
        text(charge.route.as_deref().unwrap_or_default()),
        reply.state.as_str().to_owned(),
        charge.input_tokens.to_string(),
        charge.cached_input_tokens.to_string(),
        charge.output_tokens.to_string(),
        charge.reasoning_tokens.to_string(),
        charge.is_estimated.to_string(),
        charge.price_version.to_string(),
        charge.charged.to_decimal(),
        reply.id.to_string(),
        reply.thread.id.to_string(),
    ]))
}

pub(super) fn statement_rows(entries: &[StatementEntry]) -> String {
    let entry = |entry: &StatementEntry| {
        row(&[
            time(entry.created_at),
            text(&entry.reason.to_string()),
            entry.amount.to_decimal(),
            entry.balance.to_decimal(),
            entry.id.to_string(),
            entry.reason.generation_id().map(|id| id.to_string()).unwrap_or_default(),
        ])
    };
    entries.iter().map(entry).collect()
}
