use leptos::prelude::*;

use super::{Column, RecordTable};
use crate::components::LocalTime;
use crate::links::jobs_path;
use crate::types::{JobState, JobsQuery, Queue, ScheduledWork};

const QUEUES: &[Column] = &[
    Column::text("Kind"),
    Column::number("Waiting"),
    Column::number("Failed"),
    Column::number("Running"),
    Column::number("Dead"),
    Column::text("Due since"),
];

const SCHEDULES: &[Column] = &[Column::text("Work"), Column::text("When"), Column::text("Last due")];

/// What of each kind waits, runs and has been given up.
#[component]
pub fn QueueTable(queues: Vec<Queue>) -> impl IntoView {
    if queues.is_empty() {
        return view! { <p class="muted" data-testid="no-queues">"Nothing waits, and nothing is dead."</p> }
            .into_any();
    }
    let rows = queues.into_iter().map(|queue| view! { <QueueRow queue/> }).collect_view();
    view! { <RecordTable label="Queues" columns=QUEUES>{rows}</RecordTable> }.into_any()
}

#[component]
fn QueueRow(queue: Queue) -> impl IntoView {
    let of_state = |state| jobs_path(&JobsQuery { state, kind: Some(queue.kind.clone()), after: None });
    let [ready, failed, running, dead] =
        [JobState::Ready, JobState::Failed, JobState::Running, JobState::Dead].map(of_state);
    view! {
        <tr data-testid="queue-row">
            <th scope="row">{queue.kind}</th>
            <td class="number" data-label="Waiting"><a href=ready>{queue.ready}</a></td>
            <td class="number" data-label="Failed"><a href=failed>{queue.failed}</a></td>
            <td class="number" data-label="Running"><a href=running>{queue.running}</a></td>
            <td class="number" data-label="Dead"><a href=dead>{queue.dead}</a></td>
            <td class="nowrap" data-label="Due since">{queue.due_since.map(|at| view! { <LocalTime at/> })}</td>
        </tr>
    }
}

/// What is due at set times.
#[component]
pub fn ScheduleTable(schedules: Vec<ScheduledWork>) -> impl IntoView {
    let rows = schedules.into_iter().map(|work| {
        let last = match work.last_at {
            Some(at) => view! { <LocalTime at/> }.into_any(),
            None => view! { <span class="muted">"Never"</span> }.into_any(),
        };
        view! {
            <tr>
                <th scope="row">{work.name}</th>
                <td>{work.when}</td>
                <td class="nowrap" data-label="Last due">{last}</td>
            </tr>
        }
    });
    view! { <RecordTable label="Scheduled work" columns=SCHEDULES>{rows.collect_view()}</RecordTable> }
}
