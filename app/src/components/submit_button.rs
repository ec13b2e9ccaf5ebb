use leptos::prelude::*;

/// Sends its form, and says so while the answer is on its way. Not disabled meanwhile: the focus would be lost.
#[component]
pub fn SubmitButton(
    #[prop(into)] label: String,
    #[prop(into)] is_pending: Signal<bool>,
    #[prop(default = "button")] class: &'static str,
    #[prop(optional_no_strip)] test_id: Option<&'static str>,
) -> impl IntoView {
    let text = move || if is_pending.get() { "One moment…".to_owned() } else { label.clone() };
    view! {
        <button type="submit" class=class aria-busy=move || is_pending.get().to_string() data-testid=test_id>{text}</button>
    }
}
