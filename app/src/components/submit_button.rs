use leptos::prelude::*;

/// Sends its form, and says so while the answer is on its way. Not disabled meanwhile: the focus would be lost.
#[component]
pub fn SubmitButton(
    #[prop(into)] label: String,
    #[prop(into)] is_pending: Signal<bool>,
    #[prop(default = "button")] class: &'static str,
    #[prop(optional_no_strip)] test_id: Option<&'static str>,
) -> impl IntoView {
    // Rows of a table share an action: only the button that was pressed waits. Enter in a field presses it, too.
    let is_pressed = RwSignal::new(false);
    Effect::new(move |_| {
        if !is_pending.get() {
            is_pressed.set(false);
        }
    });
    let waits = move || is_pending.get() && is_pressed.get();
    let text = move || if waits() { "One moment…".to_owned() } else { label.clone() };
    view! {
        <button type="submit" class=class aria-busy=move || waits().to_string() data-testid=test_id
            on:click=move |_| is_pressed.set(true)>{text}</button>
    }
}
