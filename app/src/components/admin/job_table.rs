use leptos::prelude::*;

use super::{Column, RecordTable};
use crate::api::admin::{DiscardJob, RetryJob};
use crate::components::{ButtonForm, LocalTime};
use crate::types::Job;

const COLUMNS: &[Column] =
    &[Column::text("Job"), Column::text("When"), Column::number("Tries"), Column::text("What to do")];

/// Jobs; what has failed can be tried again at once, or discarded.
#[component]
pub fn JobTable(
    jobs: Vec<Job>,
    retry: ServerAction<RetryJob>,
    discard: ServerAction<DiscardJob>,
) -> impl IntoView {
    let rows = jobs.into_iter().map(|job| view! { <Row job retry discard/> }).collect_view();
    view! { <RecordTable label="Jobs" columns=COLUMNS>{rows}</RecordTable> }
}

#[component]
fn Row(job: Job, retry: ServerAction<RetryJob>, discard: ServerAction<DiscardJob>) -> impl IntoView {
    let has_failed = job.state.has_failed();
    let id = job.id.to_string();
    let at = job.finished_at.unwrap_or(job.run_at);
    let word = if job.finished_at.is_some() { "Ended " } else { "Due " };
    view! {
        <tr data-testid="job-row">
            <th scope="row">
                {job.kind}
                <span class="cell-note">{job.payload}</span>
                {job.last_error.map(|error| view! { <span class="cell-note error-text">{error}</span> })}
            </th>
            <td class="nowrap">{word} <LocalTime at/></td>
            <td class="number" data-label="Tries">{format!("{} of {}", job.attempt, job.max_attempts)}</td>
            <td>{has_failed.then(|| view! { <Deeds id retry discard/> })}</td>
        </tr>
    }
}

#[component]
fn Deeds(id: String, retry: ServerAction<RetryJob>, discard: ServerAction<DiscardJob>) -> impl IntoView {
    let fields = || [("id", id.clone())];
    view! {
        <div class="cell-actions">
            <ButtonForm action=retry fields=fields() label="Try again" class="button button-small" test_id="retry-job"/>
            <ButtonForm action=discard fields=fields() label="Discard" class="button button-small button-danger"
                test_id="discard-job"/>
        </div>
    }
}
