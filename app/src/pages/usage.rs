use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::ApiResult;
use crate::api::{list_replies, summarize_usage};
use crate::components::{
    DownloadLink, LoadError, PageFrame, QuotaPanel, ReplyTable, SignedInOnly, SkeletonLines, SpendingCaps,
    UsageReport, UsageTabs,
};
use crate::contexts::{use_quota, use_session};
use crate::links::replies_file_path;
use crate::types::{Period, ReplyUsage, UsageSummary};

/// What is left, in full, and what was spent on what.
#[component]
pub fn UsagePage() -> impl IntoView {
    let query = use_query_map();
    let period = Memo::new(move |_| {
        let period = query.with(|query| query.get("period"));
        period.and_then(|period| period.parse::<Period>().ok()).unwrap_or_default()
    });
    let session = use_session();
    let summary = session.resource(move || period.get(), summarize_usage);
    let replies = session.resource(move || period.get(), list_replies);
    view! { <SignedInOnly><Usage period summary replies/></SignedInOnly> }
}

#[component]
fn Usage(
    period: Memo<Period>,
    summary: Resource<ApiResult<UsageSummary>>,
    replies: Resource<ApiResult<Vec<ReplyUsage>>>,
) -> impl IntoView {
    let quota = use_quota();
    view! {
        <PageFrame title="Usage">
            <header class="page-head">
                <h1>"Usage"</h1>
                <p class="muted">"What you have left now, and what you spent on what."</p>
            </header>
            <UsageTabs current="/usage"/>
            {move || quota.get().map(|quota| match quota {
                Ok(quota) => view! { <div class="panels"><QuotaPanel quota/></div> }.into_any(),
                Err(error) => view! { <LoadError error/> }.into_any(),
            })}
            <SpendingCaps/>
            <section class="panel" id="spending" aria-labelledby="spending-heading">
                <div class="panel-head">
                    <h2 id="spending-heading">"Spending"</h2>
                    <p class="muted panel-hint">"Days begin at midnight UTC."</p>
                </div>
                <Transition fallback=|| view! { <SkeletonLines/> }>
                    {move || Suspend::new(async move {
                        match summary.await {
                            Ok(summary) => view! { <UsageReport summary/> }.into_any(),
                            Err(error) => view! { <LoadError error/> }.into_any(),
                        }
                    })}
                </Transition>
            </section>
            <section class="panel" aria-labelledby="replies-heading">
                <div class="panel-head">
                    <h2 id="replies-heading">"Replies"</h2>
                    <DownloadLink path=Signal::derive(move || replies_file_path(period.get())) label="Download all as CSV"/>
                </div>
                <Transition fallback=|| view! { <SkeletonLines/> }>
                    {move || Suspend::new(async move {
                        match replies.await {
                            Ok(replies) if replies.is_empty() => view! {
                                <p class="muted">"None in this period. Each one will be listed here with its price, which leads to its receipt."</p>
                            }.into_any(),
                            Ok(replies) => view! { <ReplyTable replies/> }.into_any(),
                            Err(error) => view! { <LoadError error/> }.into_any(),
                        }
                    })}
                </Transition>
            </section>
        </PageFrame>
    }
}
