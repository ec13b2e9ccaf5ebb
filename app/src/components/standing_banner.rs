use leptos::prelude::*;

use super::{Icon, LocalDay, PortalForm, Symbol};
use crate::contexts::{site_links, use_quota, use_standing};
use crate::types::{PortalPage, Standing};

/// Above every page while an invoice waits to be paid: what that means, until when, and the button that fixes it. And
/// while the account is suspended.
#[component]
pub fn StandingBanner() -> impl IntoView {
    let (standing, quota) = (use_standing(), use_quota());
    view! {
        <div role="status">
            <Suspense fallback=|| ()>
                {move || Suspend::new(async move {
                    standing.ready().await;
                    quota.ready().await;
                    view! { <Banner/> }
                })}
            </Suspense>
        </div>
    }
}

#[component]
fn Banner() -> impl IntoView {
    let standing = use_standing();
    let shown = Memo::new(move |_| standing.get());
    move || match shown.get() {
        Standing::Free | Standing::Active => None,
        Standing::PastDue { grace_ends_at, .. } => Some(view! {
            <Frame state="past-due">
                <p>
                    <b>"Your last payment failed."</b> " Until " <LocalDay at=grace_ends_at/>
                    " you have a smaller budget" <CreditLeft/> "; then replies pause until it is paid."
                </p>
            </Frame>
        }),
        Standing::Frozen { .. } => Some(view! {
            <Frame state="frozen">
                <p>
                    <b>"Replies are paused."</b>
                    " Your subscription could not be paid. Reading, export and billing stay open."
                </p>
            </Frame>
        }),
        Standing::Suspended => Some(view! {
            <Frame state="frozen" is_about_payment=false>
                <p>
                    <b>"Your account is suspended."</b>
                    " There are no replies. Reading, export and billing stay open. " <WhoHelps/>
                </p>
            </Frame>
        }),
    }
}

#[component]
fn WhoHelps() -> impl IntoView {
    match site_links().support {
        Some(url) => {
            view! { <a href=url rel="external">"Contact support"</a> " to have it lifted." }.into_any()
        }
        None => "Only those who run this service can lift it.".into_any(),
    }
}

#[component]
fn Frame(
    state: &'static str,
    #[prop(default = true)] is_about_payment: bool,
    children: Children,
) -> impl IntoView {
    let label = if is_about_payment { "About your payment" } else { "About your account" };
    view! {
        <section class="banner" data-state=state aria-label=label data-testid="standing-banner">
            <Icon symbol=Symbol::Warning/>
            {children()}
            {is_about_payment.then(|| view! {
                <PortalForm page=PortalPage::UnpaidInvoice label="Pay now" class="button button-primary button-small" test_id="pay-now"/>
            })}
        </section>
    }
    .into_any()
}

#[component]
fn CreditLeft() -> impl IntoView {
    let quota = use_quota();
    move || {
        let quota = quota.get().and_then(Result::ok);
        quota.map(|quota| format!(", of which {} is left", quota.credit.available.or_zero().to_cents_text()))
    }
}
