//! The document, the frame of every page, and the whole table of routes.

use leptos::prelude::*;
use leptos_meta::{Meta, Title, provide_meta_context};
use leptos_router::components::{FlatRoutes, Route, Router};
use leptos_router::{SsrMode, path};

use crate::browser;
use crate::components::{
    ErasureBanner, NoticeBanner, RouteAnnouncer, SiteHeader, SpendingAlert, StandingBanner, Toaster,
    VisitBanner,
};
use crate::contexts::{
    provide_clock, provide_notices, provide_page_title, provide_quota, provide_session, provide_standing,
    provide_toasts,
};
use crate::pages::admin::{
    AdminHomePage, AdminUsagePage, AuditLogPage, JobsPage, PeoplePage, PersonPage, ProvidersPage, StripePage,
    SystemPage,
};
use crate::pages::{
    AccountPage, ApiKeysPage, BillingPage, CancelPage, ChangePlanPage, ChatPage, CheckoutPage,
    DeleteAccountPage, HomePage, NotFoundPage, PricingPage, ReceiptPage, SignInPage, StatementPage,
    UsagePage,
};

/// The HTML document around the app.
#[cfg(feature = "ssr")]
pub fn shell(options: LeptosOptions) -> impl IntoView {
    use leptos_meta::{HashedStylesheet, MetaTags};

    use crate::contexts::{current_request_id, current_theme, site_links};
    use crate::types::SiteLinks;

    let SiteLinks { support, terms, privacy } = site_links();

    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=current_theme().name()>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1, interactive-widget=resizes-content"/>
                <meta name="color-scheme" content="light dark"/>
                <meta name="request-id" content=current_request_id()/>
                <meta name="support-url" content=support/>
                <meta name="terms-url" content=terms/>
                <meta name="privacy-url" content=privacy/>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                <HashedStylesheet options=options.clone() id="leptos"/>
                <AutoReload options=options.clone()/>
                <HydrationScripts options/>
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}

/// Everything inside the body.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    provide_clock();
    provide_toasts();
    let title = provide_page_title();
    let session = provide_session();
    provide_quota(session);
    provide_standing(session);
    provide_notices(session);
    Effect::new(|_| browser::mark_hydrated());
    view! {
        <Title text=move || title.full()/>
        <Meta name="description" content="Chat with a language model, and always see exactly what you have left."/>
        <Router>
            <a class="skip-link" href="#main" rel="external">"Skip to the content"</a>
            <VisitBanner/>
            <SiteHeader/>
            <ErasureBanner/>
            <StandingBanner/>
            <SpendingAlert/>
            <NoticeBanner/>
            <FlatRoutes fallback=|| view! { <NotFoundPage/> }>
                <Route path=path!("/") view=HomePage ssr=SsrMode::Async/>
                <Route path=path!("/sign-in") view=SignInPage ssr=SsrMode::Async/>
                <Route path=path!("/chat/:id?") view=ChatPage ssr=SsrMode::Async/>
                <Route path=path!("/usage") view=UsagePage ssr=SsrMode::Async/>
                <Route path=path!("/usage/statement") view=StatementPage ssr=SsrMode::Async/>
                <Route path=path!("/usage/replies/:generation_id") view=ReceiptPage ssr=SsrMode::Async/>
                <Route path=path!("/account") view=AccountPage ssr=SsrMode::Async/>
                <Route path=path!("/account/delete") view=DeleteAccountPage ssr=SsrMode::Async/>
                <Route path=path!("/api-keys") view=ApiKeysPage ssr=SsrMode::Async/>
                <Route path=path!("/pricing") view=PricingPage ssr=SsrMode::Async/>
                <Route path=path!("/billing") view=BillingPage ssr=SsrMode::Async/>
                <Route path=path!("/billing/change") view=ChangePlanPage ssr=SsrMode::Async/>
                <Route path=path!("/billing/cancel") view=CancelPage ssr=SsrMode::Async/>
                <Route path=path!("/billing/checkout") view=CheckoutPage ssr=SsrMode::Async/>
                <Route path=path!("/admin") view=AdminHomePage ssr=SsrMode::Async/>
                <Route path=path!("/admin/usage") view=AdminUsagePage ssr=SsrMode::Async/>
                <Route path=path!("/admin/people") view=PeoplePage ssr=SsrMode::Async/>
                <Route path=path!("/admin/people/:user_id") view=PersonPage ssr=SsrMode::Async/>
                <Route path=path!("/admin/jobs") view=JobsPage ssr=SsrMode::Async/>
                <Route path=path!("/admin/providers") view=ProvidersPage ssr=SsrMode::Async/>
                <Route path=path!("/admin/stripe") view=StripePage ssr=SsrMode::Async/>
                <Route path=path!("/admin/system") view=SystemPage ssr=SsrMode::Async/>
                <Route path=path!("/admin/audit") view=AuditLogPage ssr=SsrMode::Async/>
            </FlatRoutes>
            <Toaster/>
            <RouteAnnouncer/>
        </Router>
    }
}
