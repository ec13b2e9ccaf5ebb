use leptos::prelude::*;

use super::{LocalTime, ThreadLink};
use crate::links::receipt_path;
use crate::types::ReplyUsage;
use crate::wording::usage::{charged, count};

/// Replies, each with its conversation, its tokens and its price, which leads to its receipt.
#[component]
pub fn ReplyTable(replies: Vec<ReplyUsage>) -> impl IntoView {
    let has_estimates = replies.iter().any(|reply| reply.is_estimated);
    let rows = replies.into_iter().map(|reply| view! { <Row reply/> }).collect_view();
    view! {
        <table class="record-table" aria-label="Replies">
            <thead>
                <tr>
                    <th scope="col">"Conversation"</th>
                    <th scope="col">"When"</th>
                    <th scope="col">"Model"</th>
                    <th scope="col" class="number">"Tokens in"</th>
                    <th scope="col" class="number">"Tokens out"</th>
                    <th scope="col" class="number">"Charged"</th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
        {has_estimates.then(|| view! {
            <p class="limit-note">"≈ The provider did not report all that this reply used, so what it left out was counted here."</p>
        })}
    }
}

#[component]
fn Row(reply: ReplyUsage) -> impl IntoView {
    let mark = if reply.is_estimated { "≈ " } else { "" };
    let tokens = |number: u32| format!("{mark}{}", count(number.into()));
    view! {
        <tr data-testid="usage-row">
            <th scope="row"><ThreadLink thread=reply.thread/></th>
            <td class="nowrap"><LocalTime at=reply.created_at/></td>
            <td>{reply.model}</td>
            <td class="number" data-label="In">{tokens(reply.input_tokens)}</td>
            <td class="number" data-label="Out">{tokens(reply.output_tokens)}</td>
            <td class="number amount">
                <a href=receipt_path(reply.generation_id) data-testid="receipt-link">
                    {charged(reply.charged)} <span class="visually-hidden">", receipt"</span>
                </a>
            </td>
        </tr>
    }
}
