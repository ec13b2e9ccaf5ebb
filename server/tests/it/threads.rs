//! The list of conversations: its pages, and what a search in it finds.

use app::types::{Thread, ThreadPlace};
use chrono::TimeDelta;
use http::StatusCode;
use serde_json::json;

use crate::support::{Browser, TestApp, new_request, prompt};

/// Chrono can read it, PostgreSQL cannot.
const FAR_AWAY: &str = "+262000-01-01T00:00:00Z";

/// Adds conversations to whoever signed in last, three at each moment, so that pages end between two of the same one.
async fn add_threads(app: &TestApp, count: u32) {
    let sql = format!(
        "insert into threads (id, account_id, title, updated_at)
         select gen_random_uuid(), account_id, 'Talk ' || n, now() - (n / 3) * interval '1 hour'
         from users, generate_series(1, {count}) n where users.id = '{}'",
        app.newest_user().await
    );
    app.database().execute(&sql).await;
}

async fn name_one(app: &TestApp, title: &str) {
    let sql = format!(
        "update threads set title = '{title}' where id = (select id from threads where title like 'Talk %' limit 1)"
    );
    app.database().execute(&sql).await;
}

async fn older(browser: &Browser, ThreadPlace { updated_at, id }: ThreadPlace) -> Vec<Thread> {
    let fields = [("updated_at", updated_at.to_rfc3339()), ("id", id.to_string())];
    let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
    browser.value("chat/list_older_threads", &fields).await
}

async fn search(browser: &Browser, words: &str) -> Vec<String> {
    let found: Vec<Thread> = browser.value("chat/search_threads", &[("words", words)]).await;
    found.into_iter().map(|thread| thread.title).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_is_read_page_by_page_without_gap_or_repeat() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    add_threads(&app, 450).await;
    let stranger = app.user().await;
    add_threads(&app, 5).await;

    let mut listed: Vec<Thread> = browser.value("chat/list_threads", &[]).await;
    let mut pages = vec![listed.len()];
    while pages.last() == Some(&200) {
        let page = older(&browser, listed.last().expect("a thread").place()).await;
        pages.push(page.len());
        listed.extend(page);
    }
    assert_eq!(pages, [200, 200, 50]);
    assert!(listed.is_sorted_by(|one, next| one.place() > next.place()), "each once, newest first");
    let (top, end) = (listed[0].place(), listed[449].place());
    for updated_at in [top.updated_at + TimeDelta::hours(1), FAR_AWAY.parse().expect("a time")] {
        let above = ThreadPlace { updated_at, ..top };
        assert_eq!(older(&stranger, above).await.len(), 5, "a place is no key to what is another's");
    }
    assert_eq!(older(&browser, end).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_that_is_too_long_to_be_read_at_once_is_gone_on_with_in_another() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    let thread_id = browser.ask(&prompt()).await.thread_id();
    let sql = format!(
        "insert into messages (id, thread_id, role, content)
         select gen_random_uuid(), '{thread_id}', 'user', 'again' from generate_series(1, 1998)"
    );
    app.database().execute(&sql).await;
    let mut more = new_request(&prompt());
    let words = more["target"]["prompt"].clone();
    more["target"] = json!({ "kind": "thread", "thread_id": thread_id, "prompt": words });
    let refused = browser.start_reply(&more).await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    assert!(refused.error().await.to_string().contains("Begin a new one"));
    browser.ask(&prompt()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_finds_words_in_titles_whatever_their_case() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    add_threads(&app, 60).await;
    for title in ["Äpfel und Birnen", "100 % sure_thing", "Was deleted"] {
        name_one(&app, title).await;
    }
    app.database().execute("update threads set deleted_at = now() where title = 'Was deleted'").await;

    assert_eq!(search(&browser, "  äPFEL  UND ").await, ["Äpfel und Birnen"]);
    assert_eq!(search(&browser, "% sure").await, ["100 % sure_thing"]);
    assert_eq!(search(&browser, "sure_").await, ["100 % sure_thing"]);
    assert_eq!(search(&browser, "su_e").await, Vec::<String>::new(), "nothing stands for another letter");
    for nothing in ["deleted", " ", "", "\0"] {
        assert!(search(&browser, nothing).await.is_empty(), "{nothing:?}");
    }
    assert_eq!(search(&browser, "talk").await.len(), 50);
    let stranger = app.user().await;
    assert!(search(&stranger, "talk").await.is_empty());
    assert_eq!(app.browser().error("chat/search_threads", &[("words", "talk")]).await.0, 401);
}
