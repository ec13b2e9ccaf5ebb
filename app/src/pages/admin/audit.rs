use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use leptos_router::params::ParamsMap;

use crate::api::admin::list_audit_events;
use crate::components::admin::{AdminFrame, AuditTable, Filters, Pager, SelectFilter, TextFilter};
use crate::components::{Icon, LoadError, LocalTime, SkeletonLines, Symbol};
use crate::contexts::use_session;
use crate::links::{AUDIT_PATH, audit_file_path, audit_path};
use crate::types::{AuditKind, AuditPage, AuditQuery, FailedRequest};
use crate::{ApiError, ApiResult};

/// Who did what to whom, newest first.
#[component]
pub fn AuditLogPage() -> impl IntoView {
    let address = use_query_map();
    let events = use_session().operator_resource(move || address.get(), load);
    view! {
        <AdminFrame title="Audit log" area=AUDIT_PATH>
            <header class="page-head">
                <h1>"Audit log"</h1>
                <p class="muted">"Sign-ins and everything that operators did. Nothing in it can be changed."</p>
            </header>
            <section class="panel" aria-label="Events">
                <Transition fallback=|| view! { <SkeletonLines/> }>
                    {move || Suspend::new(async move {
                        let events = events.await;
                        address.with_untracked(|address| view! { <Found events address=address.clone()/> })
                    })}
                </Transition>
            </section>
        </AdminFrame>
    }
}

async fn load(address: ParamsMap) -> ApiResult<AuditPage> {
    list_audit_events(parse(&address).map_err(ApiError::invalid)?).await
}

fn parse(address: &ParamsMap) -> Result<AuditQuery, String> {
    AuditQuery::from_address(|name| address.get_str(name))
}

#[component]
fn Found(events: ApiResult<AuditPage>, address: ParamsMap) -> impl IntoView {
    let query = parse(&address).unwrap_or_default();
    let list = match events {
        Err(error) => view! { <LoadError error/> }.into_any(),
        Ok(AuditPage { events, next, failed_request }) => {
            let first = query.after.map(|_| audit_path(AuditQuery { after: None, ..query }));
            let next = next.map(|id| audit_path(AuditQuery { after: Some(id), ..query }));
            let is_empty = events.is_empty();
            let nothing = (is_empty && failed_request.is_none()).then(|| view! { <NoEvents query/> });
            view! {
                {failed_request.map(|request| view! { <Failed request/> })}
                {nothing}
                {(!is_empty).then(|| view! { <AuditTable events/> <Pager label="Pages of the audit log" first next/> })}
            }
            .into_any()
        }
    };
    view! {
        <AuditFilters address/>
        <p class="list-head">
            <a class="button button-small" href=audit_file_path(query) rel="external" download="">"Download these as CSV"</a>
        </p>
        {list}
    }
}

#[component]
fn Failed(request: FailedRequest) -> impl IntoView {
    let FailedRequest { at, method, route, status } = request;
    view! {
        <p class="note note-error" data-testid="failed-request">
            <Icon symbol=Symbol::Warning/>
            <span>
                {format!("This request failed: {method} {route} was answered with {status}, ")} <LocalTime at/>
                ". Why is in the log and in Sentry, under the same number."
            </span>
        </p>
    }
}

#[component]
fn NoEvents(query: AuditQuery) -> impl IntoView {
    let sentence = match query.request_id {
        None => "Nothing like this has happened.",
        Some(_) => {
            "Nothing is kept here of a request with this number. The server’s log has every request by its number."
        }
    };
    view! { <p class="muted" data-testid="no-events">{sentence}</p> }
}

#[component]
fn AuditFilters(address: ParamsMap) -> impl IntoView {
    let [kind, person, operator, request] =
        ["kind", "person", "operator", "request"].map(|name| address.get(name).unwrap_or_default());
    let kinds = AuditKind::ALL.iter().map(|kind| (kind.to_string(), kind.title().to_owned()));
    let kinds = std::iter::once((String::new(), "All events".to_owned())).chain(kinds).collect();
    view! {
        <Filters path=AUDIT_PATH>
            <SelectFilter name="kind" label="Event" options=kinds chosen=kind/>
            <TextFilter name="person" label="Person’s id" value=person/>
            <TextFilter name="operator" label="Operator’s id" value=operator/>
            <TextFilter name="request" label="Request’s id" value=request hint="As pages of errors say it"/>
        </Filters>
    }
}
