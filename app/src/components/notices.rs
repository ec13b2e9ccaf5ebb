use leptos::form::ActionForm;
use leptos::prelude::*;

use super::{Icon, LocalDay, Symbol, after_success};
use crate::api::DismissNotice;
use crate::contexts::use_notices;
use crate::links::BILLING_PATH;
use crate::types::Notice;

/// Below the header of every page: the newest of what no mail could tell, until it is dismissed.
#[component]
pub fn NoticeBanner() -> impl IntoView {
    let notices = use_notices();
    let dismiss = ServerAction::<DismissNotice>::new();
    after_success(dismiss, move || notices.reload());
    view! {
        <div role="status">
            <Suspense fallback=|| ()>
                {move || Suspend::new(async move {
                    notices.ready().await;
                    view! { <Newest dismiss/> }
                })}
            </Suspense>
        </div>
    }
}

#[component]
fn Newest(dismiss: ServerAction<DismissNotice>) -> impl IntoView {
    let notices = use_notices();
    // Only what has changed is drawn and read out again.
    let shown = Memo::new(move |_| {
        let list = notices.get();
        Some((list.first()?.clone(), list.len() - 1))
    });
    move || shown.get().map(|(notice, others)| view! { <Banner notice others dismiss/> })
}

#[component]
fn Banner(notice: Notice, others: usize, dismiss: ServerAction<DismissNotice>) -> impl IntoView {
    let more = (others > 0).then(|| {
        let label = if others == 1 { "1 more".to_owned() } else { format!("{others} more") };
        view! { " " <a href=format!("{BILLING_PATH}#notices") rel="external">{label}</a> }
    });
    view! {
        <section class="banner" aria-label="About your account" data-testid="notice-banner">
            <p><b>{notice.title} "."</b> " " {notice.text} {more}</p>
            <DismissForm id=notice.id.to_string() dismiss/>
        </section>
    }
}

#[component]
fn DismissForm(id: String, dismiss: ServerAction<DismissNotice>) -> impl IntoView {
    view! {
        <ActionForm action=dismiss>
            <input type="hidden" name="id" value=id/>
            <button type="submit" class="icon-button" aria-label="Dismiss this notice" title="Dismiss" data-testid="dismiss-notice">
                <Icon symbol=Symbol::Close/>
            </button>
        </ActionForm>
    }
}

/// All of them, on the billing page; nothing where there are none.
#[component]
pub fn NoticePanel() -> impl IntoView {
    let notices = use_notices();
    let dismiss = ServerAction::<DismissNotice>::new();
    after_success(dismiss, move || notices.reload());
    let shown = Memo::new(move |_| notices.get());
    move || {
        let list = shown.get();
        (!list.is_empty()).then(|| {
            let rows = list.into_iter().map(|notice| {
                view! {
                    <li class="session" data-testid="notice-row">
                        <div>
                            <p><b>{notice.title}</b></p>
                            <p>{notice.text}</p>
                            <p class="limit-note"><LocalDay at=notice.created_at/></p>
                        </div>
                        <DismissForm id=notice.id.to_string() dismiss/>
                    </li>
                }
            });
            view! {
                <section class="panel" id="notices" aria-labelledby="notices-heading">
                    <div class="panel-head"><h2 id="notices-heading">"Notices"</h2></div>
                    <ul class="sessions">{rows.collect_view()}</ul>
                </section>
            }
        })
    }
}
