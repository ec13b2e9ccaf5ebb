use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::api::admin::{DiscardJob, RetryJob, list_jobs};
use crate::components::admin::{
    AdminFrame, DeedOutcome, Filters, JobTable, OutcomeNote, Pager, QueueTable, ScheduleTable, SelectFilter,
    TextFilter,
};
use crate::components::{ActionError, LoadError, SkeletonLines};
use crate::contexts::use_session;
use crate::links::{JOBS_PATH, jobs_path};
use crate::types::{JobState, JobsPage as Jobs, JobsQuery};

/// The queue of work done later: how it stands, what has been given up, and what is due again.
#[component]
pub fn JobsPage() -> impl IntoView {
    let address = use_query_map();
    let query = Memo::new(move |_| address.with(|map| JobsQuery::from_address(|name| map.get(name))));
    let (retry, discard) = (ServerAction::<RetryJob>::new(), ServerAction::<DiscardJob>::new());
    let outcome = DeedOutcome::new();
    outcome.say_when_done(retry, "The job is tried again in a moment.");
    outcome.say_when_done(discard, "The job is discarded.");
    let source = move || (query.get(), outcome.count());
    let jobs = use_session().operator_resource(source, |(query, _)| list_jobs(query));
    view! {
        <AdminFrame title="Jobs" area=JOBS_PATH>
            <header class="page-head">
                <h1>"Jobs"</h1>
                <p class="muted">"Work that is done later: webhooks, mails, checks. What fails too often is dead until somebody looks at it."</p>
            </header>
            <OutcomeNote outcome/>
            <ActionError action=retry/>
            <ActionError action=discard/>
            <Transition fallback=|| view! { <SkeletonLines/> }>
                {move || Suspend::new(async move {
                    match jobs.await {
                        Ok(jobs) => view! { <Found jobs query=query.get_untracked() retry discard/> }.into_any(),
                        Err(error) => view! { <LoadError error/> }.into_any(),
                    }
                })}
            </Transition>
        </AdminFrame>
    }
}

#[component]
fn Found(
    jobs: Jobs,
    query: JobsQuery,
    retry: ServerAction<RetryJob>,
    discard: ServerAction<DiscardJob>,
) -> impl IntoView {
    let Jobs { queues, schedules, jobs, next } = jobs;
    let to = |after| jobs_path(&JobsQuery { after, ..query.clone() });
    let (first, next) = (query.after.map(|_| to(None)), next.map(|id| to(Some(id))));
    let list = match jobs.is_empty() {
        true => view! { <p class="muted" data-testid="no-jobs">"There is none."</p> }.into_any(),
        false => view! { <JobTable jobs retry discard/> }.into_any(),
    };
    view! {
        <section class="panel" aria-labelledby="queues">
            <h2 id="queues">"Queues"</h2>
            <QueueTable queues/>
        </section>
        <section class="panel" aria-labelledby="jobs">
            <h2 id="jobs">"Jobs"</h2>
            <JobFilters query/>
            {list}
            <Pager label="Pages of jobs" first next/>
        </section>
        <section class="panel" aria-labelledby="schedules">
            <h2 id="schedules">"Scheduled work"</h2>
            <ScheduleTable schedules/>
        </section>
    }
}

#[component]
fn JobFilters(query: JobsQuery) -> impl IntoView {
    let states = JobState::ALL.map(|state| (state.to_string(), state.title().to_owned())).into();
    view! {
        <Filters path=JOBS_PATH>
            <SelectFilter name="state" label="State" options=states chosen=query.state.to_string()/>
            <TextFilter name="kind" label="Kind" value=query.kind.unwrap_or_default()/>
        </Filters>
    }
}
