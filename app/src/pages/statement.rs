use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::ApiResult;
use crate::api::read_statement;
use crate::components::{
    DownloadLink, LoadError, PageFrame, SignedInOnly, SkeletonLines, StatementTable, UsageTabs,
};
use crate::contexts::use_session;
use crate::links::statement_path;
use crate::types::{EntryId, Statement};

/// Every change of the account's balance, newest first.
#[component]
pub fn StatementPage() -> impl IntoView {
    let query = use_query_map();
    let before = Memo::new(move |_| query.with(|query| query.get("before")).and_then(|id| id.parse().ok()));
    let statement = use_session().resource(move || before.get(), read_statement);
    view! { <SignedInOnly><Entries before statement/></SignedInOnly> }
}

#[component]
fn Entries(before: Memo<Option<EntryId>>, statement: Resource<ApiResult<Statement>>) -> impl IntoView {
    view! {
        <PageFrame title="Statement">
            <header class="page-head">
                <h1>"Statement"</h1>
                <p class="muted">"Everything that came to your balance and everything that was spent, exactly, newest first."</p>
            </header>
            <UsageTabs current="/usage/statement"/>
            <section class="panel" aria-labelledby="entries-heading">
                <div class="panel-head">
                    <h2 id="entries-heading">"Entries"</h2>
                    <DownloadLink path="/usage/statement.csv" label="Download all as CSV"/>
                </div>
                <Transition fallback=|| view! { <SkeletonLines/> }>
                    {move || Suspend::new(async move {
                        match statement.await {
                            Ok(statement) => view! { <StatementPart statement before/> }.into_any(),
                            Err(error) => view! { <LoadError error/> }.into_any(),
                        }
                    })}
                </Transition>
            </section>
        </PageFrame>
    }
}

#[component]
fn StatementPart(statement: Statement, before: Memo<Option<EntryId>>) -> impl IntoView {
    let is_first = before.get_untracked().is_none();
    if statement.entries.is_empty() {
        let sentence = match is_first {
            true => "Nothing has been posted yet. Your first message brings this month's credit.",
            false => "Nothing is older than this.",
        };
        return view! {
            <div class="empty">
                <p>{sentence}</p>
                {(!is_first).then(|| view! { <p><a class="button" href="/usage/statement">"Newest entries"</a></p> })}
            </div>
        }
        .into_any();
    }
    let newest =
        (!is_first).then(|| view! { <a class="button" href="/usage/statement">"Newest entries"</a> });
    let older = statement.next.map(|id| {
        view! { <a class="button" href=statement_path(id) data-testid="older-entries">"Older entries"</a> }
    });
    let has_pager = newest.is_some() || older.is_some();
    view! {
        <StatementTable entries=statement.entries label="Entries"/>
        {has_pager.then(|| view! { <nav class="panel-actions" aria-label="Pages of the statement">{newest} {older}</nav> })}
    }
    .into_any()
}
