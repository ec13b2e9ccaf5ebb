//! Renders whole pages against a backend of fakes.

mod admin;
mod api_keys;
mod billing;
mod erasure;
mod fakes;
mod notices;

use std::sync::OnceLock;

use axum::body::{Body, to_bytes};
use axum::response::Response;
use http::{Request, StatusCode, header};
use leptos::prelude::*;
use tokio::task::JoinSet;

use crate::ApiError;
use crate::types::{AccountId, Actor, SessionId, SignedIn, UserId};
use crate::wording::ALL_THOUGHT;
use fakes::billing::Fake;
use fakes::usage::{CHARGED_REPLY, FAILED_REPLY};
use fakes::{BLANK_THREAD, FINISHED_THREAD, INTERRUPTED_THREAD, TALKATIVE, UNREADABLE_THREAD, backend};

struct Page {
    status: StatusCode,
    location: Option<String>,
    html: String,
}

impl Page {
    fn count(&self, text: &str) -> usize {
        self.html.matches(text).count()
    }
}

async fn open(path: &str, actor: Actor) -> Page {
    open_where(path, actor, Fake::subscribed()).await
}

/// Where things stand so with paying.
async fn open_where(path: &str, actor: Actor, billing: Fake) -> Page {
    open_with(path, actor, billing, "").await
}

async fn open_with(path: &str, actor: Actor, billing: Fake, cookie: &str) -> Page {
    let request =
        Request::builder().uri(path).header(header::ACCEPT, "text/html").header(header::COOKIE, cookie);
    let request = request.extension(actor).body(Body::empty()).expect("a request");
    render(request, move || provide_context(backend(billing.clone()))).await
}

/// What a request is answered with, where pages find these things in their context.
async fn render(request: Request<Body>, context: impl Fn() + Clone + Send + Sync + 'static) -> Page {
    prepare();
    let options = LeptosOptions::builder().output_name("plumbline").build();
    let handler = leptos_axum::render_app_async_with_context(context, move || crate::shell(options.clone()));
    let response: Response = handler(request).await;
    let location =
        response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let status = response.status();
    let bytes = to_bytes(response.into_body(), usize::MAX).await.expect("a body");
    let html = String::from_utf8(bytes.to_vec()).expect("UTF-8");
    Page { status, location, html }
}

/// As at start-up: makes the list of routes, which also names Tokio as what runs the pages.
pub(crate) fn prepare() -> &'static [String] {
    static ROUTES: OnceLock<Vec<String>> = OnceLock::new();
    ROUTES.get_or_init(|| {
        let routes = leptos_axum::generate_route_list(crate::App).into_iter();
        routes.map(|route| route.path().to_owned()).collect()
    })
}

fn somebody() -> Actor {
    signed_in(UserId(uuid::Uuid::from_u128(7)))
}

fn signed_in(user_id: UserId) -> Actor {
    let id = user_id.0;
    let signed_in = SignedIn {
        user_id,
        account_id: AccountId(id),
        session_id: SessionId(id),
        is_operator: false,
        impersonator: None,
    };
    Actor { signed_in: Some(signed_in), ..Actor::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn pages_made_at_the_same_time_have_each_its_own_title() {
    let pages =
        [("/sign-in", "Sign in"), ("/usage", "Usage"), ("/account", "Account"), ("/billing", "Billing")];
    let mut opening = JoinSet::new();
    for (path, title) in pages.repeat(50) {
        opening.spawn(async move { (title, open(path, somebody()).await) });
    }
    while let Some(opened) = opening.join_next().await {
        let (title, page) = opened.expect("a page");
        assert_eq!(page.count(&format!("<title>{title} · Plumbline</title>")), 1);
    }
}

#[tokio::test]
async fn the_routes_are_these() {
    let mut routes = prepare().to_vec();
    routes.sort();
    let billing = ["/billing", "/billing/cancel", "/billing/change", "/billing/checkout"];
    let usage = ["/usage", "/usage/replies/{generation_id}", "/usage/statement"];
    let mut expected =
        vec!["/", "/account", "/account/delete", "/api-keys", "/chat", "/chat/{id}", "/pricing", "/sign-in"];
    let admin = [
        "/admin",
        "/admin/audit",
        "/admin/jobs",
        "/admin/people",
        "/admin/people/{user_id}",
        "/admin/providers",
        "/admin/stripe",
        "/admin/system",
        "/admin/usage",
    ];
    expected.extend(billing.into_iter().chain(usage).chain(admin));
    expected.sort();
    assert_eq!(routes, expected);
}

#[tokio::test]
async fn every_page_has_one_heading_one_main_and_nothing_inline() {
    let (thread, other) = (format!("/chat/{FINISHED_THREAD}"), format!("/chat/{INTERRUPTED_THREAD}"));
    let (receipt, failed) =
        (format!("/usage/replies/{CHARGED_REPLY}"), format!("/usage/replies/{FAILED_REPLY}"));
    let usage = ["/usage", "/usage?period=2026-10", "/usage/statement", &receipt, &failed];
    let billing = [
        "/billing",
        "/billing/cancel",
        "/billing/change?plan=pro",
        "/billing/change",
        "/billing/checkout?session=1",
    ];
    let mine =
        ["/", "/chat", &thread, &other, "/account", "/account/delete", "/api-keys", "/nowhere", "/pricing"]
            .into_iter();
    let mine = mine.chain(usage).chain(billing);
    let mine = mine.map(|path| (path, somebody()));
    let public = ["/sign-in?error=refused&return_to=/chat", "/?", "/pricing?interval=year"]
        .map(|path| (path, Actor::default()));
    for (path, actor) in mine.chain(public) {
        let page = open(path, actor).await;
        assert_eq!((page.count("<h1"), page.count("<main"), page.count("<title>")), (1, 1, 1), "{path}");
        assert_eq!(
            (page.count(" style="), page.count(" onclick="), page.count("javascript:")),
            (0, 0, 0),
            "{path}"
        );
        assert!(page.html.contains("<html lang=\"en\""), "{path}");
    }
}

#[tokio::test]
async fn a_visitor_is_led_to_the_sign_in_page_and_back() {
    for path in [
        "/chat",
        "/usage",
        "/usage/statement",
        "/account",
        "/account/delete",
        "/api-keys",
        "/billing",
        "/billing/cancel",
    ] {
        let page = open(path, Actor::default()).await;
        assert_eq!(
            (page.status, page.location),
            (StatusCode::FOUND, Some(format!("/sign-in?return_to={path}")))
        );
    }
}

#[tokio::test]
async fn what_is_missing_answers_404() {
    let id = "0190a0b0-0000-7000-8000-00000000ffff";
    let missing = ["/nowhere", "/chat/not-an-id", "/usage/replies/not-an-id"].map(str::to_owned);
    for path in missing.into_iter().chain([format!("/chat/{id}"), format!("/usage/replies/{id}")]) {
        let path = path.as_str();
        let actor = Actor { request_id: "0190a0b0-4711".to_owned(), ..somebody() };
        let page = open(path, actor).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        assert!(page.html.contains("data-testid=\"error-page\""), "{path}");
        assert_eq!(page.count("0190a0b0-4711"), 2, "{path}: in the head and on the page: {}", page.html);
    }
}

#[tokio::test]
async fn what_cannot_be_shown_has_a_way_on() {
    let open_failing = async |error| {
        let billing = Fake { failure: Some(error), ..Fake::subscribed() };
        open_where("/billing?from=mail", somebody(), billing).await
    };
    let page = open_failing(ApiError::SignInRequired).await;
    let sign_in = "href=\"/sign-in?return_to=/billing%3Ffrom%3Dmail\" rel=\"external\"";
    assert_eq!((page.count(sign_in), page.count("Try again")), (1, 0), "{}", page.html);
    let page = open_failing(ApiError::Unavailable { retry_after_seconds: 10 }).await;
    assert_eq!(page.count("href=\"/billing?from=mail\" rel=\"external\""), 1, "{}", page.html);
    let page = open_failing(ApiError::NotFound).await;
    assert_eq!((page.count("data-testid=\"load-error\""), page.count("Try again")), (1, 0));

    let page = open(&format!("/chat/{UNREADABLE_THREAD}"), somebody()).await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(page.count(&format!("href=\"/chat/{UNREADABLE_THREAD}\" rel=\"external\"")), 1);
    let missing = open("/nowhere", somebody()).await;
    assert_eq!((missing.count("data-testid=\"error-page\""), missing.count("Try again")), (1, 0));
}

#[tokio::test]
async fn a_thread_can_be_read_without_javascript() {
    let page = open(&format!("/chat/{FINISHED_THREAD}"), somebody()).await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(
        (page.count("data-testid=\"message-user\""), page.count("data-testid=\"message-assistant\"")),
        (3, 3)
    );
    assert!(page.html.contains("<noscript>"));
    assert!(page.html.contains("aria-current=\"page\""));
    assert!(page.html.contains("Sliding windows"));
    // What people and models write is text, and never content of the text field.
    assert!(!page.html.contains("<script>alert"));
    assert!(page.html.contains("></textarea>"), "the text field is empty");
}

#[tokio::test]
async fn a_list_that_goes_on_says_so_and_every_list_can_be_searched() {
    let page = open("/chat", somebody()).await;
    assert_eq!((page.count("data-testid=\"older-threads\""), page.count("role=\"search\"")), (0, 1));
    let page = open("/chat", signed_in(TALKATIVE)).await;
    assert_eq!(page.count("data-testid=\"thread-link\""), 200);
    assert_eq!((page.count("data-testid=\"older-threads\""), page.count("role=\"search\"")), (1, 1));
}

#[tokio::test]
async fn a_long_conversation_says_where_the_models_memory_begins() {
    let page = open(&format!("/chat/{FINISHED_THREAD}"), somebody()).await;
    let (above, below) = page.html.split_once("data-testid=\"memory-begins\"").expect("it says so");
    assert!(above.contains("Exactness costs one sorted set") && !above.contains("And in one sentence?"));
    assert!(below.contains("And in one sentence?") && !below.contains("data-testid=\"memory-begins\""));
    let page = open(&format!("/chat/{INTERRUPTED_THREAD}"), somebody()).await;
    assert_eq!(page.count("memory-begins"), 0, "all of it is seen");
}

#[tokio::test]
async fn an_interrupted_answer_offers_its_way_on() {
    let page = open(&format!("/chat/{INTERRUPTED_THREAD}"), somebody()).await;
    let count = |test_id: &str| page.count(&format!("data-testid=\"{test_id}\""));
    assert_eq!((count("message-assistant"), count("continued"), count("reasoning")), (2, 1, 1));
    assert_eq!((count("continue-reply"), count("retry-reply"), count("another-answer")), (1, 1, 0));
    let failed = open(&format!("/chat/{FINISHED_THREAD}"), somebody()).await;
    assert_eq!((failed.count("data-testid=\"retry-reply\""), failed.count("continue-reply")), (1, 0));
}

#[tokio::test]
async fn a_blank_answer_that_used_up_its_length_says_so() {
    let page = open(&format!("/chat/{BLANK_THREAD}"), somebody()).await;
    assert_eq!((page.count("data-testid=\"reply-blank\""), page.count(ALL_THOUGHT)), (1, 1));
    assert_eq!((page.count("data-testid=\"another-answer\""), page.count("continue-reply")), (1, 0));
    for thread in [FINISHED_THREAD, INTERRUPTED_THREAD] {
        let page = open(&format!("/chat/{thread}"), somebody()).await;
        assert_eq!(page.count("reply-blank"), 0, "{thread}: something was said, or it ended otherwise");
    }
}

#[tokio::test]
async fn a_turn_says_which_of_its_versions_it_is() {
    let page = open(&format!("/chat/{FINISHED_THREAD}"), somebody()).await;
    assert_eq!(page.count("data-testid=\"versions\""), 2);
    assert!(page.html.contains(">1 of 2<") && page.html.contains(">2 of 3<"));
    let labels = ["Previous question", "Next question", "Previous answer", "Next answer"];
    assert_eq!(labels.map(|label| page.count(&format!("aria-label=\"{label}\""))), [1; 4]);
    assert_eq!(page.count("aria-disabled=\"true\""), 1, "there is nothing before the first question");
}

#[tokio::test]
async fn what_the_person_wrote_can_be_edited() {
    let page = open(&format!("/chat/{FINISHED_THREAD}"), somebody()).await;
    assert_eq!(page.count("data-testid=\"edit-message\""), 3);
    assert_eq!(page.count("data-testid=\"message-editor\""), 0, "the editor opens by script only");
}

#[tokio::test]
async fn thoughts_are_folded_away_and_text() {
    let page = open(&format!("/chat/{INTERRUPTED_THREAD}"), somebody()).await;
    assert!(page.html.contains("Thought for a moment"));
    assert!(page.html.contains("&lt;b&gt;Deposits"));
    assert_eq!(page.count("id=\"reasoning-1\" hidden class=\"reasoning-text\""), 1);
}

#[tokio::test]
async fn the_models_are_named_where_there_is_a_choice() {
    let page = open(&format!("/chat/{INTERRUPTED_THREAD}"), somebody()).await;
    assert!(page.html.contains("class=\"model-button-name\">Small<"));
    assert_eq!((page.count("class=\"fact\">Small<"), page.count("class=\"fact\">Large<")), (1, 1));
    assert_eq!(page.count("model-option"), 0, "the list opens by script only");
}

#[tokio::test]
async fn what_is_left_is_in_the_page_itself() {
    let page = open("/usage", somebody()).await;
    assert!(page.html.contains("data-testid=\"quota-minute-remaining\">4<"));
    assert!(page.html.contains("data-testid=\"credit-available\">$0.48<"));
    assert!(page.html.contains("data-part=\"day\" data-looser=\"true\""));
    assert_eq!(page.count("data-looser"), 1);
    assert!(page.html.contains("<b>18,560<") && page.html.contains(" of 20,000 left"), "tokens a minute");
    assert_eq!(page.count("data-testid=\"usage-row\""), 2);
    assert!(page.html.contains("30 November 2026 (UTC)"), "when there is new credit: {}", page.html);
}

#[tokio::test]
async fn what_was_spent_is_a_chart_and_tables_in_the_page_itself() {
    let page = open("/usage?period=2026-10", somebody()).await;
    assert_eq!((page.count("class=\"chart-bar\""), page.count("role=\"img\"")), (31, 1));
    assert!(page.html.contains("aria-labelledby=\"chart-title chart-description\""));
    assert!(page.html.contains("href=\"/usage?period=2026-10#spending\" aria-current=\"true\""));
    assert!(page.html.contains("$0.000098 in September 2026"));
    assert!(page.html.contains("(deleted)") && page.html.contains("All others"));
    assert!(!page.html.contains("<b>counts"), "a title is text");
}

#[tokio::test]
async fn a_receipt_shows_its_multiplication_and_every_attempt() {
    let page = open(&format!("/usage/replies/{CHARGED_REPLY}"), somebody()).await;
    for text in [
        "Price version 3",
        "$0.00009<",
        "$0.00003<",
        "$0.00042<",
        "$0.00054<",
        "everyday-second",
        "Was too busy",
        "No charge",
        "840 ms",
        "Estimated",
        "200 of them to think",
    ] {
        assert!(page.html.contains(text), "{text}");
    }
    assert_eq!(page.count("data-testid=\"attempt-row\""), 2);
}

#[tokio::test]
async fn a_reply_that_failed_was_not_charged() {
    let page = open(&format!("/usage/replies/{FAILED_REPLY}"), somebody()).await;
    assert!(page.html.contains("class=\"receipt-amount\">Not charged<"));
    assert!(page.html.contains("Could not be reached"));
    assert_eq!(page.count("data-testid=\"statement-row\""), 0);
}

#[tokio::test]
async fn caps_are_set_changed_and_removed_by_plain_forms() {
    let page = open("/usage", somebody()).await;
    assert!(page.html.contains("<b>$0.04<") && page.html.contains(" of $0.25 left"), "the month's cap");
    // Of a form without a thread the month is meant.
    for (action, forms) in [("set_cap", 1), ("remove_cap", 2), ("use_plan_cap", 1)] {
        assert_eq!(page.count(&format!("action=\"/api/caps/{action}\"")), forms, "{action}");
    }
    assert_eq!(page.count("name=\"thread_id\""), 1, "of the conversation that has one");
    assert!(page.html.contains("name=\"amount\"") && page.html.contains("value=\"0.25\""));
    assert!(page.html.contains("Use your plan's cap of $0.40"));
    assert_eq!(page.count("data-testid=\"thread-cap\""), 1);
    assert!(page.html.contains("$0.012345 of $0.01 spent. Only warns."));
    assert!(page.html.contains("Your plan's cap of $0.30 counts for each conversation that has no other."));
}

#[tokio::test]
async fn an_alert_is_on_every_page_until_it_is_dismissed_by_a_plain_form() {
    for path in ["/", "/usage", "/account", "/chat"] {
        let page = open(path, somebody()).await;
        assert!(
            page.html.contains("80% of your cap of $0.25 for this month is spent; $0.04 is left until"),
            "{path}"
        );
        assert_eq!(page.count("action=\"/api/caps/dismiss_alerts\""), 1, "{path}");
    }
    assert_eq!(open("/", Actor::default()).await.count("data-testid=\"spending-alert\""), 0);
}

#[tokio::test]
async fn a_conversation_says_how_far_it_is_with_its_cap() {
    let page = open(&format!("/chat/{FINISHED_THREAD}"), somebody()).await;
    assert!(page.html.contains("This conversation has cost $0.012345 of its cap of $0.01. It only warns"));
    assert_eq!(page.count("data-testid=\"thread-spending-button\""), 1);
    let new = open("/chat", somebody()).await;
    assert_eq!((new.count("thread-cap-note"), new.count("thread-spending-button")), (0, 0));
}

#[tokio::test]
async fn a_conversation_can_be_kept_as_a_file_once_it_has_begun() {
    let page = open(&format!("/chat/{FINISHED_THREAD}"), somebody()).await;
    assert_eq!(page.count(&format!("href=\"/chat/{FINISHED_THREAD}/export.md\" rel=\"external\"")), 1);
    assert_eq!(open("/chat", somebody()).await.count("export.md"), 0);
}

#[tokio::test]
async fn the_theme_is_there_from_the_first_byte() {
    let page = open_with("/", Actor::default(), Fake::free(), "theme=dark").await;
    assert!(page.html.contains("data-theme=\"dark\""));
}

#[tokio::test]
async fn whoever_runs_the_product_can_be_reached_from_everywhere() {
    let support = "href=\"mailto:help@example.com\"";
    let terms = "href=\"https://example.com/terms\" rel=\"external\">Terms<";
    for path in ["/", "/pricing"] {
        let page = open(path, Actor::default()).await;
        assert_eq!((page.count(support), page.count(terms), page.count(">Privacy<")), (1, 1, 0), "{path}");
        assert_eq!(page.count("name=\"support-url\" content=\"mailto:help@example.com\""), 1, "{path}");
    }
    let chat = open("/chat", somebody()).await;
    assert_eq!((chat.count(support), chat.count(terms)), (1, 1), "in the menu");
    let actor = Actor { request_id: "0190a0b0-4711".to_owned(), ..Actor::default() };
    let missing = open("/nowhere", actor).await;
    assert_eq!(missing.count(" rel=\"external\">ask us<"), 1, "{}", missing.html);
}

#[tokio::test]
async fn a_sign_in_that_failed_says_why_and_offers_the_way_on() {
    let page = open("/sign-in?error=closed&return_to=/chat/1", Actor::default()).await;
    assert!(page.html.contains("There are no new accounts at the moment"));
    assert!(page.html.contains("data-testid=\"sign-in-oidc\""));
    assert!(page.html.contains("/auth/oidc/start?return_to=/chat/1"));
}
