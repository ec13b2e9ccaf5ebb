use leptos::prelude::*;

use crate::components::LocalTime;
use crate::components::admin::{AuditTable, Column, RecordTable};
use crate::links::audit_path;
use crate::types::{AuditPage, AuditQuery, Session, ThreadFacts, ToldNotice, UserId};
use crate::wording::usage::{charged, count};

/// Where a person is signed in, what they have and were told, and what was done to them.
#[component]
pub fn PersonActivity(
    id: UserId,
    sessions: Vec<Session>,
    threads: Vec<ThreadFacts>,
    notices: Vec<ToldNotice>,
    audit: AuditPage,
) -> impl IntoView {
    let whole = audit_path(AuditQuery { person: Some(id), ..AuditQuery::default() });
    view! {
        <div class="panels">
            <section class="panel" aria-labelledby="sessions-heading">
                <div class="panel-head"><h2 id="sessions-heading">"Sessions"</h2></div>
                <Sessions sessions/>
            </section>
            <section class="panel" aria-labelledby="told-heading">
                <div class="panel-head"><h2 id="told-heading">"Told by mail or in the app"</h2></div>
                <Notices notices/>
            </section>
        </div>
        <section class="panel" aria-labelledby="threads-heading">
            <div class="panel-head">
                <h2 id="threads-heading">"Conversations"</h2>
                <p class="muted panel-hint">"What people write is hidden from operators."</p>
            </div>
            <Threads threads/>
        </section>
        <section class="panel" aria-labelledby="audit-heading">
            <div class="panel-head">
                <h2 id="audit-heading">"What happened"</h2>
                <a class="button button-small" href=whole>"The whole log"</a>
            </div>
            <AuditTable events=audit.events/>
        </section>
    }
}

#[component]
fn Sessions(sessions: Vec<Session>) -> impl IntoView {
    if sessions.is_empty() {
        return view! { <p class="muted" data-testid="no-sessions">"Signed in nowhere."</p> }.into_any();
    }
    let row = |session: Session| {
        view! {
            <li class="session">
                <div>
                    <p class="session-device">{session.device}</p>
                    <p class="limit-note">
                        <span>"Last seen " <LocalTime at=session.last_seen_at/></span>
                        <span>"Signed in " <LocalTime at=session.created_at/></span>
                    </p>
                </div>
            </li>
        }
    };
    view! { <ul class="sessions">{sessions.into_iter().map(row).collect_view()}</ul> }.into_any()
}

#[component]
fn Notices(notices: Vec<ToldNotice>) -> impl IntoView {
    if notices.is_empty() {
        return view! { <p class="muted">"Nothing yet."</p> }.into_any();
    }
    let row = |notice: ToldNotice| {
        let how = match (notice.mailed_at, notice.kept_at) {
            (Some(at), _) => view! { "Mailed " <LocalTime at/> }.into_any(),
            (None, Some(at)) => view! { "Told in the app since " <LocalTime at/> }.into_any(),
            (None, None) => view! { "Waits to be told since " <LocalTime at=notice.created_at/> }.into_any(),
        };
        view! {
            <li class="session">
                <div>
                    <p class="session-device">{notice.title}</p>
                    <p class="limit-note"><span>{how}</span></p>
                </div>
            </li>
        }
    };
    view! { <ul class="sessions">{notices.into_iter().map(row).collect_view()}</ul> }.into_any()
}

#[component]
fn Threads(threads: Vec<ThreadFacts>) -> impl IntoView {
    const COLUMNS: &[Column] = &[
        Column::text("Conversation"),
        Column::text("Begun"),
        Column::text("Last changed"),
        Column::number("Messages"),
        Column::number("Charged"),
    ];
    if threads.is_empty() {
        return view! { <p class="muted">"None yet."</p> }.into_any();
    }
    let row = |thread: ThreadFacts| {
        view! {
            <tr>
                <th scope="row">
                    <code>{thread.id.to_string()}</code>
                    {thread.is_deleted.then(|| view! { <span class="tag">"Deleted"</span> })}
                </th>
                <td class="nowrap" data-label="Begun"><LocalTime at=thread.created_at/></td>
                <td class="nowrap" data-label="Changed"><LocalTime at=thread.updated_at/></td>
                <td class="number" data-label="Messages">{count(thread.messages)}</td>
                <td class="number amount">{charged(thread.charged)}</td>
            </tr>
        }
    };
    view! { <RecordTable label="Conversations" columns=COLUMNS>{threads.into_iter().map(row).collect_view()}</RecordTable> }
        .into_any()
}
