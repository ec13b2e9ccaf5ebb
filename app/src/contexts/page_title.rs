//! The title of the open page.
//!
//! One `<Title>` in `App` shows it. One in each page would not do: a page that is rebuilt in place leaves its old title
//! behind, together with signals that are gone.

use leptos::prelude::*;

/// The server reads it when the page is made, after its arena of signals was left: an `RwSignal` would then be looked for
/// in the arena of another page that is made on the same thread, and be missing there, or be that page's title.
#[derive(Clone)]
pub struct PageTitle {
    pub text: ArcRwSignal<String>,
}

pub fn provide_page_title() -> PageTitle {
    let title = PageTitle { text: ArcRwSignal::new(String::new()) };
    provide_context(title.clone());
    title
}

/// To be called by each page while it is made.
pub fn set_page_title(text: impl Into<String>) {
    expect_context::<PageTitle>().text.set(text.into());
}

impl PageTitle {
    /// As in the browser's tab.
    pub fn full(&self) -> String {
        self.text.with(|text| match text.as_str() {
            "" => "Plumbline".to_owned(),
            text => format!("{text} · Plumbline"),
        })
    }
}
