use leptos::form::ActionForm;
use leptos::prelude::*;

use super::{Icon, Symbol, after_success};
use crate::api::DismissAlerts;
use crate::contexts::use_quota;
use crate::links::USAGE_CAPS_PATH;
use crate::types::{Alert, AlertBasis};
use crate::wording::alert_sentence;

/// That spending has passed a part of the month's cap or credit: the highest, until it is dismissed. On every page, and
/// read out when a reply brings it.
#[component]
pub fn SpendingAlert() -> impl IntoView {
    let quota = use_quota();
    let dismiss = ServerAction::<DismissAlerts>::new();
    after_success(dismiss, move || quota.reload());
    view! {
        <div role="status">
            <Suspense fallback=|| ()>
                {move || Suspend::new(async move {
                    quota.ready().await;
                    view! { <Highest dismiss/> }
                })}
            </Suspense>
        </div>
    }
}

#[component]
fn Highest(dismiss: ServerAction<DismissAlerts>) -> impl IntoView {
    let quota = use_quota();
    // Only what has changed is drawn and read out again.
    let shown = Memo::new(move |_| {
        let quota = quota.get()?.ok()?;
        let alert = *quota.alerts.first()?;
        Some((alert, alert_sentence(alert, &quota)))
    });
    move || shown.get().map(|(alert, sentence)| view! { <Notice alert sentence dismiss/> })
}

#[component]
fn Notice(alert: Alert, sentence: String, dismiss: ServerAction<DismissAlerts>) -> impl IntoView {
    let basis = match alert.basis {
        AlertBasis::Cap => "cap",
        AlertBasis::Credit => "credit",
    };
    view! {
        <div class="spending-alert" data-testid="spending-alert">
            <Icon symbol=Symbol::Warning/>
            <p>{sentence} " " <a href=USAGE_CAPS_PATH rel="external">"Spending caps"</a></p>
            <ActionForm action=dismiss>
                <input type="hidden" name="basis" value=basis/>
                <input type="hidden" name="percent" value=alert.percent.to_string()/>
                <button type="submit" class="icon-button" aria-label="Dismiss this notice" title="Dismiss" data-testid="dismiss-alert">
                    <Icon symbol=Symbol::Close/>
                </button>
            </ActionForm>
        </div>
    }
}
