use leptos::prelude::*;

use crate::api::admin::{SetSwitch, read_system};
use crate::components::admin::{
    AdminFrame, DeedOutcome, OutcomeNote, SettingsTable, SwitchList, SystemParts,
};
use crate::components::{ActionError, LoadError, SkeletonLines};
use crate::contexts::use_session;
use crate::links::SYSTEM_PATH;
use crate::types::SystemReport;

/// What can be turned off, what the product runs on, and with which settings.
#[component]
pub fn SystemPage() -> impl IntoView {
    let set = ServerAction::<SetSwitch>::new();
    let outcome = DeedOutcome::new();
    outcome.say_when_done(set, "Done. Every server goes by it within seconds.");
    let report = use_session().operator_resource(move || outcome.count(), |_| read_system());
    view! {
        <AdminFrame title="System" area=SYSTEM_PATH>
            <header class="page-head">
                <h1>"System"</h1>
                <p class="muted">"As seen by the server that answered this request."</p>
            </header>
            <OutcomeNote outcome/>
            <ActionError action=set/>
            <Transition fallback=|| view! { <SkeletonLines/> }>
                {move || Suspend::new(async move {
                    match report.await {
                        Ok(report) => view! { <Whole report set/> }.into_any(),
                        Err(error) => view! { <LoadError error/> }.into_any(),
                    }
                })}
            </Transition>
        </AdminFrame>
    }
}

#[component]
fn Whole(report: SystemReport, set: ServerAction<SetSwitch>) -> impl IntoView {
    let SystemReport { switches, parts, settings } = report;
    view! {
        <section class="panel" aria-labelledby="switches">
            <h2 id="switches">"Switches"</h2>
            <p class="muted">"Each acts on every server within seconds."</p>
            <SwitchList switches set/>
        </section>
        <SystemParts parts/>
        <section class="panel" aria-labelledby="settings">
            <h2 id="settings">"Settings in force"</h2>
            <SettingsTable settings/>
        </section>
    }
}
