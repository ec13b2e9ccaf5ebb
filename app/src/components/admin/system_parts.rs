use leptos::prelude::*;

use super::{Column, RecordTable};
use crate::types::{Fact, Setting, SettingValue, SystemPart};

/// What the product runs on.
#[component]
pub fn SystemParts(parts: Vec<SystemPart>) -> impl IntoView {
    let panels = parts.into_iter().map(|SystemPart { name, is_well, facts }| {
        let label = name.clone();
        let facts = facts.into_iter().map(|Fact { name, value }| {
            view! { <div><dt>{name}</dt><dd>{value}</dd></div> }
        });
        view! {
            <section class="panel" aria-label=label>
                <h2>{name} {(!is_well).then(|| view! { <span class="tag tag-danger">"Needs attention"</span> })}</h2>
                <dl class="facts facts-wide">{facts.collect_view()}</dl>
            </section>
        }
    });
    panels.collect_view()
}

const COLUMNS: &[Column] = &[Column::text("Variable"), Column::text("Value"), Column::text("From")];

/// What the server was started with; of secrets only whether they are there.
#[component]
pub fn SettingsTable(settings: Vec<Setting>) -> impl IntoView {
    let rows = settings.into_iter().map(|Setting { variable, value, is_default }| {
        let value = match value {
            SettingValue::Text(text) => view! { <code>{text}</code> }.into_any(),
            SettingValue::Secret => view! { <span class="muted">"Set, and not shown"</span> }.into_any(),
            SettingValue::None => view! { <span class="muted">"Not set"</span> }.into_any(),
        };
        view! {
            <tr data-testid="setting-row">
                <th scope="row"><code>{variable}</code></th>
                <td>{value}</td>
                <td>{if is_default { "Default" } else { "Environment" }}</td>
            </tr>
        }
    });
    view! { <RecordTable label="Settings" columns=COLUMNS>{rows.collect_view()}</RecordTable> }
}
