//! The list of conversations: its pages, and what a search in it finds.

use app::types::{FoundThread, Thread, ThreadPlace};
use chrono::TimeDelta;
use http::StatusCode;
use serde_json::json;

use crate::support::{Browser, TestApp, completion, new_request, prompt, quick};

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
    find(browser, words).await.into_iter().map(|found| found.thread.title).collect()
}

async fn find(browser: &Browser, words: &str) -> Vec<FoundThread> {
    browser.value("chat/search_threads", &[("words", words)]).await
}

/// As the newest message of the conversation with this title.
async fn write_into(app: &TestApp, title: &str, text: &str) {
    let sql = format!(
        "insert into messages (id, thread_id, role, content)
         select gen_random_uuid(), id, 'user', $text${text}$text$ from threads where title = '{title}'"
    );
    app.database().execute(&sql).await;
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

#[tokio::test(flavor = "multi_thread")]
async fn a_search_finds_words_in_messages_after_those_in_titles_and_shows_where() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    add_threads(&app, 9).await;
    let lead = "Long ago and far away, before anybody had thought of it, ";
    write_into(&app, "Talk 9", &format!("{lead}a <b>PLUMB</b>\n  line hung {}", "down. ".repeat(60))).await;
    write_into(&app, "Talk 5", "The plumb line.").await;
    write_into(&app, "Talk 7", "Deleted: plumb line").await;
    app.database().execute("update threads set title = 'The plumb' where title = 'Talk 8'").await;
    app.database().execute("update threads set deleted_at = now() where title = 'Talk 7'").await;

    let found = find(&browser, " plumb ").await;
    let titles: Vec<_> = found.iter().map(|found| found.thread.title.as_str()).collect();
    assert_eq!(titles, ["The plumb", "Talk 5", "Talk 9"]);
    assert_eq!((found[0].snippet.as_deref(), found[1].snippet.as_deref()), (None, Some("The plumb line.")));
    let snippet = found[2].snippet.as_deref().expect("a snippet");
    assert!(
        snippet.starts_with('…')
            && snippet.contains("a <b>PLUMB</b> line hung down.")
            && snippet.ends_with('…')
    );
    assert!(snippet.chars().count() <= 162, "{snippet}");

    assert_eq!(search(&browser, "plumb</b>   line").await, Vec::<String>::new(), "that is two spaces apart");
    assert_eq!(search(&browser, "LINE HUNG").await, ["Talk 9"]);
    assert_eq!(search(&browser, "l_ne").await, Vec::<String>::new(), "nothing stands for another letter");
    assert_eq!(search(&browser, "li").await, Vec::<String>::new(), "too few letters for messages");
    assert!(search(&app.user().await, "plumb line").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_finds_nothing_of_what_programs_were_told() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    let (program, prompt) = (app.program(&browser).await, prompt());
    app.sandbox.script(&prompt, quick("Told to a program.")).await;
    assert_eq!(program.complete(&completion(&prompt)).await.status(), 200);
    let told =
        app.database().number("select count(*) from messages where content = 'Told to a program.'").await;
    assert_eq!((told, find(&browser, "told to a program").await), (1, vec![]));
}

/// Whoever holds the messages makes every search of them take too long.
#[tokio::test(flavor = "multi_thread")]
async fn a_search_that_takes_too_long_ends_with_what_titles_say() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    add_threads(&app, 3).await;
    write_into(&app, "Talk 1", "Somebody said talk 2.").await;
    let database = app.database();
    database.execute("begin; lock table messages in access exclusive mode").await;
    assert_eq!(search(&browser, "talk 2").await, ["Talk 2"]);
    database.execute("rollback").await;
    assert_eq!(search(&browser, "talk 2").await, ["Talk 2", "Talk 1"]);
}
