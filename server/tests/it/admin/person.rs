//! A person's page.

use app::types::{LimitName, Message, NoticeKind, Person, Role};

use crate::support::{TestApp, prompt, start_silent, stop};

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
