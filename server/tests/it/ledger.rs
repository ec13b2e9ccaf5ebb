//! The books of an account: what is given and taken back, and what an operator prints.

use app::types::{AccountId, Nanos, Quota};
use server::books::Cause;
use server::store::ledger;

use crate::support::{TestApp, new_request, prompt, silent};

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_shows_entries_with_their_balance_then_grants_and_holds() {
    let mut app = TestApp::start().await;
    app.expect_open_holds();
    let (browser, silence) = (app.user().await, prompt());
    browser.ask(&prompt()).await;
    app.sandbox.script(&silence, silent()).await;
    let (held, _) = browser.start_reply(&new_request(&silence)).await.read_started().await;
    let row = app.database().rows("select id::text, account_id::text, email from users").await.remove(0);
    let (user, account): (String, String) = (row.get(0), row.get(1));

    let show = app.command().args(["ledger", "show", &user]).output().expect("it runs");
    let text = String::from_utf8(show.stdout).expect("text");
    assert!(show.status.success(), "{text}");
    assert!(text.starts_with(&format!("Account {account}, plan free, balance $0.")), "{text}");
    let position = |part: &str| text.find(part).unwrap_or_else(|| panic!("no {part} in {text}"));
    let in_order =
        ["Entries", "  free:", "  generation:", "Grants", "free:", "Pending holds", &held.to_string()];
    let mut from = 0;
    for part in in_order {
        from += text[from..].find(part).unwrap_or_else(|| panic!("no {part} after {from} in {text}"));
    }
    let last = text[position("  generation:")..].lines().next().expect("a line").to_owned();
    let posted = app.database().number("select posted_nanos from accounts").await;
    assert!(last.ends_with(&Nanos(posted).to_string()), "{last}");
    assert!(!text.contains('@'), "no e-mail addresses: {text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn credit_is_given_once_for_its_cause_and_taken_back_once() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    let available = async || browser.value::<Quota>("quota/read_quota", &[]).await.credit.available;
    let before = available().await;
    let db = app.db();
    let mut conn = db.get().await.expect("a connection");
    let id: String = app.database().rows("select id::text from accounts").await[0].get(0);
    let account = AccountId(id.parse().expect("a UUID"));
    let cause = |name: &str| Cause::Other(name.to_owned());
    for is_first in [true, false] {
        let given = ledger::give(&mut conn, account, cause("pack:1"), Nanos(500), None).await;
        assert_eq!(given.expect("given"), is_first);
    }
    assert_eq!(available().await, before + Nanos(500));
    for is_first in [true, false] {
        let taken = ledger::take_back(&mut conn, account, cause("refund:1"), "pack:1", Nanos(300)).await;
        assert_eq!(taken.expect("taken back"), is_first);
    }
    assert_eq!(available().await, before + Nanos(200));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_is_not_there_is_a_clear_error() {
    let app = TestApp::start().await;
    let id = "01930000-0000-7000-8000-000000000000";
    let show = app.command().args(["ledger", "show", id]).output().expect("it runs");
    assert_eq!(show.status.code(), Some(1));
    let error = String::from_utf8(show.stderr).expect("text");
    assert_eq!(error, format!("plumbline: there is no user {id}\n"));
}
