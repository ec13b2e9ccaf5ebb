use leptos::prelude::*;

use super::{HelpLinks, Logo};
use crate::contexts::set_page_title;
use crate::links::PRICING_PATH;

/// The frame of every page but the chat: title, main landmark, footer.
#[component]
pub fn PageFrame(
    #[prop(into)] title: String,
    /// A class for the page's own layout.
    #[prop(default = "")]
    class: &'static str,
    children: Children,
) -> impl IntoView {
    set_page_title(title);
    view! {
        <main id="main" class=format!("page {class}") tabindex="-1">{children()}</main>
        <SiteFooter/>
    }
}

/// The foot of the page.
#[component]
fn SiteFooter() -> impl IntoView {
    view! {
        <footer class="site-footer">
            <p><Logo/> "Plumbline"</p>
            <p class="footer-links"><a href=PRICING_PATH>"Plans and prices"</a> <HelpLinks/></p>
            <p class="muted">"Exact limits. Nothing lost. Plain words."</p>
        </footer>
    }
}
