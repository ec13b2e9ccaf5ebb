use leptos::form::ActionForm;
use leptos::prelude::*;

use super::{ActionError, SubmitButton};
use crate::api::OpenPortal;
use crate::types::PortalPage;

/// A button that leads to a page of Stripe's.
#[component]
pub fn PortalForm(
    page: PortalPage,
    label: &'static str,
    #[prop(default = "button")] class: &'static str,
    #[prop(optional)] test_id: Option<&'static str>,
) -> impl IntoView {
    let action = ServerAction::<OpenPortal>::new();
    let page = match page {
        PortalPage::Overview => "overview",
        PortalPage::Card => "card",
        PortalPage::UnpaidInvoice => "unpaid_invoice",
    };
    view! {
        <div class="action-form">
            <ActionForm action>
                <input type="hidden" name="page" value=page/>
                <SubmitButton label=label is_pending=action.pending() class test_id/>
            </ActionForm>
            <ActionError action/>
        </div>
    }
}
