use leptos::prelude::*;

use crate::components::LocalTime;
use crate::components::admin::{Column, RecordTable};
use crate::types::{FailedReply, ReplyState};

const COLUMNS: &[Column] = &[
    Column::text("Reply"),
    Column::text("Ended"),
    Column::text("Model"),
    Column::text("Route"),
    Column::text("Outcome"),
];

/// The newest replies that failed or were interrupted.
#[component]
pub fn PersonFailures(replies: Vec<FailedReply>) -> impl IntoView {
    let list = match replies.is_empty() {
        true => {
            view! { <p class="muted" data-testid="no-failures">"None of the newest replies."</p> }.into_any()
        }
        false => {
            let rows = replies.into_iter().map(|reply| view! { <Row reply/> }).collect_view();
            view! { <RecordTable label="Replies that failed" columns=COLUMNS>{rows}</RecordTable> }.into_any()
        }
    };
    view! {
        <section class="panel" aria-labelledby="failures-heading">
            <div class="panel-head"><h2 id="failures-heading">"Replies that failed"</h2></div>
            {list}
        </section>
    }
}

#[component]
fn Row(reply: FailedReply) -> impl IntoView {
    let (class, state) = match reply.state {
        ReplyState::Interrupted => ("tag", "Interrupted"),
        _ => ("tag tag-danger", "Failed"),
    };
    view! {
        <tr data-testid="failure-row">
            <th scope="row"><code>{reply.id.to_string()}</code> <span class=class>{state}</span></th>
            <td class="nowrap" data-label="Ended"><LocalTime at=reply.settled_at/></td>
            <td data-label="Model">{reply.model}</td>
            <td data-label="Route">{reply.route.unwrap_or_else(|| "None was asked".to_owned())}</td>
            <td data-label="Outcome">{reply.outcome}</td>
        </tr>
    }
}
