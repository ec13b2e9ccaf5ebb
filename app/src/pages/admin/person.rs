use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};

use crate::api::admin::{read_person, read_person_statement};
use crate::components::admin::person::{
    AccessDeeds, Deeds, PersonActivity, PersonApiKeys, PersonFailures, PersonHead, PersonMoney,
};
use crate::components::admin::{AdminFrame, OutcomeNote, Pager};
use crate::components::{ErrorPage, SkeletonLines, StatementTable};
use crate::contexts::use_session;
use crate::links::{PEOPLE_PATH, person_path, person_statement_path};
use crate::pages::not_found::answer_not_found;
use crate::types::{EntryId, Person, Statement, UserId};
use crate::{ApiError, ApiResult};

/// One person: who it is, what they pay, have and used, what was done to them, and what can be done.
#[component]
pub fn PersonPage() -> impl IntoView {
    let (params, query) = (use_params_map(), use_query_map());
    let id = Memo::new(move |_| params.with(|params| params.get("user_id")).unwrap_or_default());
    let before: Memo<Option<EntryId>> =
        Memo::new(move |_| query.with(|query| query.get("before")).and_then(|id| id.parse().ok()));
    let deeds = Deeds::new();
    let session = use_session();
    let person = session.operator_resource(move || (id.get(), deeds.outcome.count()), |(id, _)| load(id));
    let statement = session.operator_resource(
        move || (id.get(), before.get(), deeds.outcome.count()),
        |(id, before, _)| load_statement(id, before),
    );
    view! {
        <AdminFrame title="Person" area=PEOPLE_PATH>
            <OutcomeNote outcome=deeds.outcome/>
            <Transition fallback=|| view! { <SkeletonLines/> }>
                {move || Suspend::new(async move {
                    match (person.await, statement.await) {
                        (Ok(person), Ok(statement)) => {
                            let is_first = before.get_untracked().is_none();
                            view! { <Whole person statement is_first deeds/> }.into_any()
                        }
                        (Err(error), _) | (_, Err(error)) => view! { <ErrorPage error/> }.into_any(),
                    }
                })}
            </Transition>
        </AdminFrame>
    }
}

async fn load(id: String) -> ApiResult<Person> {
    read_person(parse(&id)?).await
}

async fn load_statement(id: String, before: Option<EntryId>) -> ApiResult<Statement> {
    read_person_statement(parse(&id)?, before).await
}

fn parse(id: &str) -> ApiResult<UserId> {
    id.parse().map_err(|_| {
        answer_not_found();
        ApiError::NotFound
    })
}

#[component]
fn Whole(person: Person, statement: Statement, is_first: bool, deeds: Deeds) -> impl IntoView {
    let Person { sessions, threads, api_keys, failed_replies, notices, audit, .. } = person.clone();
    let id = person.summary.id;
    view! {
        <PersonHead person=person.clone()/>
        {person.summary.erased_at.is_none().then(|| view! {
            <section class="panel" aria-labelledby="deeds-heading">
                <div class="panel-head"><h2 id="deeds-heading">"What can be done"</h2></div>
                <div class="deeds"><AccessDeeds person=person.clone() deeds/></div>
            </section>
        })}
        <PersonMoney person deeds/>
        <section class="panel" aria-labelledby="statement-heading">
            <div class="panel-head"><h2 id="statement-heading">"Statement"</h2></div>
            <Entries id statement is_first/>
        </section>
        <PersonFailures replies=failed_replies/>
        <PersonApiKeys id keys=api_keys deeds/>
        <PersonActivity id sessions threads notices audit/>
    }
}

#[component]
fn Entries(id: UserId, statement: Statement, is_first: bool) -> impl IntoView {
    let Statement { entries, next } = statement;
    let first = (!is_first).then(|| format!("{}#statement-heading", person_path(id)));
    let next = next.map(|entry| person_statement_path(id, entry));
    let table = match entries.is_empty() {
        true => view! { <p class="muted">"Nothing has been posted yet."</p> }.into_any(),
        false => view! { <StatementTable entries label="Statement" has_receipts=false/> }.into_any(),
    };
    view! {
        {table}
        <Pager label="Pages of the statement" first next/>
    }
}
