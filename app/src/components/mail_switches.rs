use leptos::form::ActionForm;
use leptos::prelude::*;

use super::ActionError;
use crate::api::SwitchMail;
use crate::types::{MailSettings, MailSwitch};
use crate::wording::mail_route;

/// Which mails come, each kind with a button that turns it on or off. Plain forms, so they work without JavaScript.
#[component]
pub fn MailSwitches(settings: MailSettings, switch: ServerAction<SwitchMail>) -> impl IntoView {
    let MailSettings { route, switches } = settings;
    let rows = switches.into_iter().map(|MailSwitch { kind, is_on }| {
        let (state, next) = if is_on { ("On", "Turn off") } else { ("Off", "Turn on") };
        let label = format!("{next}: {}", kind.title());
        view! {
            <li class="session" data-testid="mail-switch" data-on=is_on.to_string()>
                <p>{kind.title()} ": " <b>{state}</b></p>
                <ActionForm action=switch>
                    <input type="hidden" name="kind" value=kind.to_string()/>
                    <input type="hidden" name="is_on" value=(!is_on).to_string()/>
                    <button type="submit" class="button button-small" aria-label=label>{next}</button>
                </ActionForm>
            </li>
        }
    });
    view! {
        <ActionError action=switch/>
        <p class="muted">{mail_route(route)}</p>
        <ul class="sessions">{rows.collect_view()}</ul>
    }
}
