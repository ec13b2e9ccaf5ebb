use leptos::prelude::*;

use super::OperatorsOnly;
use crate::components::PageFrame;
use crate::links::{
    ADMIN_PATH, AUDIT_PATH, JOBS_PATH, PEOPLE_PATH, PROVIDERS_PATH, STRIPE_PATH, SYSTEM_PATH, VOLUME_PATH,
};

/// The areas of the panel: path and name. The first is where the panel opens.
pub const AREAS: &[(&str, &str)] = &[
    (ADMIN_PATH, "Overview"),
    (VOLUME_PATH, "Usage"),
    (PEOPLE_PATH, "People"),
    (PROVIDERS_PATH, "Providers"),
    (STRIPE_PATH, "Stripe"),
    (JOBS_PATH, "Jobs"),
    (SYSTEM_PATH, "System"),
    (AUDIT_PATH, "Audit log"),
];

/// The frame of every page of the panel: for operators only, with the way to its areas. `area` is the path of the one
/// the page belongs to.
#[component]
pub fn AdminFrame(title: &'static str, area: &'static str, children: ChildrenFn) -> impl IntoView {
    let children = StoredValue::new(children);
    view! {
        <OperatorsOnly>
            <PageFrame title=format!("{title} · Admin") class="page-admin">
                <nav class="tabs" aria-label="Admin">
                    <ul>{AREAS.iter().map(|(path, name)| view! { <Tab path name is_current=*path == area/> }).collect_view()}</ul>
                </nav>
                {children.with_value(|children| children())}
            </PageFrame>
        </OperatorsOnly>
    }
}

#[component]
fn Tab(path: &'static str, name: &'static str, is_current: bool) -> impl IntoView {
    view! { <li><a href=path aria-current=is_current.then_some("page")>{name}</a></li> }
}
