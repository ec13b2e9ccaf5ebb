//! The browser's entry point: takes over the page the server rendered.

#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    // Into the browser's console for whoever looks, and to our server for whoever keeps it.
    std::panic::set_hook(Box::new(|panic| {
        console_error_panic_hook::hook(panic);
        app::report_panic(panic);
    }));
    leptos::mount::hydrate_body(app::App);
}
