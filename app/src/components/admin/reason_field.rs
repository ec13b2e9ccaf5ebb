use leptos::prelude::*;

/// Why something is done.
#[component]
pub fn ReasonField(
    /// Unique on the page.
    id: String,
) -> impl IntoView {
    view! {
        <div class="field">
            <label for=id.clone()>"Why (kept in the audit log)"</label>
            <input id=id class="text-field reason-field" name="reason" required maxlength="500" autocomplete="off"/>
        </div>
    }
}
