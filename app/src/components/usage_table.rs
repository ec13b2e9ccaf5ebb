use leptos::prelude::*;

use super::LocalTime;
use crate::links::thread_path;
use crate::types::UsageEntry;

/// The last charged replies, each with its thread, its tokens and its price.
#[component]
pub fn UsageTable(entries: Vec<UsageEntry>) -> impl IntoView {
    if entries.is_empty() {
        return view! {
            <div class="empty">
                <p>"Nothing has been charged yet. Each reply will be listed here with what it cost, to the last digit."</p>
                <p><a class="button" href="/chat">"Start a conversation"</a></p>
            </div>
        }
        .into_any();
    }
    let has_estimates = entries.iter().any(|entry| entry.is_estimated);
    let rows = entries.into_iter().map(|entry| view! { <Row entry/> }).collect_view();
    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-label="Table of charged replies">
            <table class="usage-table">
                <thead>
                    <tr>
                        <th scope="col">"When"</th>
                        <th scope="col">"Conversation"</th>
                        <th scope="col">"Model"</th>
                        <th scope="col" class="number">"Tokens in"</th>
                        <th scope="col" class="number">"Tokens out"</th>
                        <th scope="col" class="number">"Charged"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
        {has_estimates.then(|| view! {
            <p class="limit-note">"≈ The provider reported no usage for this reply, so its tokens were counted here."</p>
        })}
    }
    .into_any()
}

#[component]
fn Row(entry: UsageEntry) -> impl IntoView {
    let mark = if entry.is_estimated { "≈ " } else { "" };
    view! {
        <tr data-testid="usage-row">
            <td class="nowrap"><LocalTime at=entry.created_at/></td>
            <td class="usage-thread"><a href=thread_path(entry.thread_id)>{entry.thread_title}</a></td>
            <td>{entry.model}</td>
            <td class="number">{format!("{mark}{}", entry.input_tokens)}</td>
            <td class="number">{format!("{mark}{}", entry.output_tokens)}</td>
            <td class="number">{entry.charged.to_string()}</td>
        </tr>
    }
}
