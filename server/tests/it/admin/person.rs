//! A person's page.

use app::types::{LimitName, Message, NoticeKind, Person, ReplyState, Role};
use serde_json::json;

use crate::support::{TestApp, WEBHOOK_SECRET, prompt, start_silent, stop};

#[tokio::test(flavor = "multi_thread")]
async fn a_persons_page_has_everything_but_what_they_write() {
    let app = TestApp::start().await;
    let somebody = app.user().await;
    let id = app.newest_user().await;
    let (first, secret) = (prompt(), prompt());
    somebody.ask(&first).await;
    let reply = somebody.ask(&secret).await;
    let answer: Message = reply.ended().0.clone();
    assert_eq!(answer.role, Role::Assistant);
    let threads = app.database().rows("select id::text from threads order by updated_at desc").await;
    somebody.call("chat/delete_thread", &[("id", threads[1].get(0))]).await;
    let mut operator = app.operator().await;

    let person: Person = operator.value("admin/people/read", &[("id", &id)]).await;
    assert_eq!(person.summary.id.to_string(), id);
    assert!(person.has_verified_email);
    assert_eq!(person.providers, ["Sandbox"]);
    assert_eq!((person.sessions.len(), person.sessions[0].device.as_str()), (1, "Firefox on Linux"));
    assert!(!person.sessions[0].is_current, "it is not the operator's");
    let facts: Vec<_> = person.threads.iter().map(|thread| (thread.messages, thread.is_deleted)).collect();
    assert_eq!(facts.len(), 2);
    assert!(facts.contains(&(2, true)) && facts.contains(&(2, false)), "{facts:?}");
    let charged = app.database().number("select sum(charged_nanos)::bigint from usage_records").await;
    assert_eq!(person.threads.iter().map(|thread| thread.charged.0).sum::<i64>(), charged);
    let today = person.quota.limit(LimitName::RequestsPerDay).map(|limit| limit.used);
    assert_eq!(today, Some(2), "as they are used now");
    assert_eq!(person.grants.len(), 1);
    assert_eq!(person.holds, []);

    let told = "insert into notices (id, account_id, kind, cause, facts, mailed_at)
        select gen_random_uuid(), account_id, 'receipt', 'one', '{}', now() from users order by created_at limit 1";
    app.database().execute(told).await;
    let running = start_silent(&app, &somebody).await;
    let busy: Person = operator.value("admin/people/read", &[("id", &id)]).await;
    let holds: Vec<_> = busy.holds.iter().map(|hold| (hold.generation_id, hold.amount)).collect();
    assert_eq!(holds, [(running.generation_id(), busy.quota.credit.held)]);
    assert_eq!(busy.grants[0].held, busy.quota.credit.held);
    let notices: Vec<_> =
        busy.notices.iter().map(|notice| (notice.kind, notice.mailed_at.is_some())).collect();
    assert_eq!(notices, [(Some(NoticeKind::Receipt), true)]);
    assert_eq!((busy.billing.subscription, busy.customer_id), (None, None));
    stop(&somebody, running).await;

    let said = [first, secret, answer.content];
    let page = operator.get(&format!("/admin/people/{id}")).await.text().await.expect("a page");
    let answer = operator.call("admin/people/read", &[("id", &id)]).await.text().await.expect("JSON");
    let statement = operator.call("admin/people/read_statement", &[("id", &id)]).await;
    let statement = statement.text().await.expect("JSON");
    for words in &said {
        assert!(!words.is_empty());
        for sent in [&page, &answer, &statement] {
            assert!(!sent.contains(words.as_str()), "{words}");
        }
    }
    assert!(page.contains("Hidden from operators"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_persons_page_lists_the_replies_that_failed_with_their_route_and_why() {
    let app = TestApp::start().await;
    let somebody = app.user().await;
    let id = app.newest_user().await;
    let (fine, overloaded, cut) = (prompt(), prompt(), prompt());
    app.sandbox.script(&overloaded, json!({ "status": 503 })).await;
    app.sandbox.script(&cut, json!({ "text": "a b c d", "cut_after_chunks": 2, "gap_ms": 0 })).await;
    let mut ids = Vec::new();
    for (prompt, state) in
        [(&fine, ReplyState::Finished), (&overloaded, ReplyState::Failed), (&cut, ReplyState::Interrupted)]
    {
        let reply = somebody.ask(prompt).await;
        assert_eq!(reply.state(), state);
        ids.push(reply.generation_id());
    }
    let mut operator = app.operator().await;
    let person: Person = operator.value("admin/people/read", &[("id", &id)]).await;
    let failed: Vec<_> = person
        .failed_replies
        .iter()
        .map(|reply| (reply.id, reply.state, reply.route.as_deref(), reply.outcome.as_deref()))
        .collect();
    let route = Some("everyday-first");
    assert_eq!(
        failed,
        [
            (ids[2], ReplyState::Interrupted, route, Some("interrupted")),
            (ids[1], ReplyState::Failed, route, Some("overloaded")),
        ]
    );
    assert_eq!(person.failed_replies[0].model, "everyday");
    let page = operator.get(&format!("/admin/people/{id}")).await.text().await.expect("a page");
    for words in ["Replies that failed", &ids[1].to_string(), "everyday-first", "overloaded", "Interrupted"] {
        assert!(page.contains(words), "{words}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_pays_is_one_click_from_where_refunds_are_made() {
    for (api_url, is_linked) in [("https://api.stripe.com/", true), ("http://127.0.0.1:9/stripe/", false)] {
        let stripe = [
            ("STRIPE_SECRET_KEY", "sk_test_refunds"),
            ("STRIPE_API_URL", api_url),
            ("STRIPE_WEBHOOK_SECRETS", WEBHOOK_SECRET),
        ];
        let app = TestApp::with_env(&stripe, |_| {}).await;
        let _somebody = app.user().await;
        let id = app.newest_user().await;
        app.database().execute("update accounts set stripe_customer_id = 'cus_ABC'").await;
        let mut operator = app.operator().await;
        let page = operator.get(&format!("/admin/people/{id}")).await.text().await.expect("a page");
        let link = "href=\"https://dashboard.stripe.com/test/customers/cus_ABC\"";
        assert!(page.contains("cus_ABC"));
        assert_eq!(page.contains(link), is_linked, "{api_url}");
        assert_eq!(page.contains("Refund at Stripe; the credit follows by itself."), is_linked);
    }
}
