//! An operator looks at the product as somebody else sees it.

use app::types::{AuditKind, AuditPage, Conversation, Thread, User, UserId};
use http::Method;
use serde_json::{Value, json};

use crate::support::{Browser, TestApp, prompt, until};

/// What answers during a visit: it reads, or ends the visit or its session. Everything else has to refuse.
pub(super) const READS: &[&str] = &[
    "account/end_visit",
    "account/list_sessions",
    "account/list_sign_in_methods",
    "account/read_user",
    "account/sign_out",
    "api_keys/list_api_keys",
    "billing/list_offers",
    "billing/read_billing",
    "billing/read_standing",
    "caps/read_thread_spending",
    "chat/list_models",
    "chat/list_older_threads",
    "chat/list_threads",
    "chat/read_thread",
    "erasure/read_erasure",
    "notices/list_notices",
    "notices/read_mail_settings",
    "quota/list_plans",
    "quota/read_quota",
    "usage/list_replies",
    "usage/read_receipt",
    "usage/read_statement",
    "usage/summarize",
];

/// Somebody with a conversation, and an operator who looks at the product as them.
struct Visit {
    app: TestApp,
    operator: Browser,
    person: String,
    said: String,
}

impl Visit {
    async fn begin() -> Self {
        let app = TestApp::start().await;
        let somebody = app.user().await;
        let person = app.newest_user().await;
        let said = prompt();
        somebody.ask(&said).await;
        let operator = app.operator().await;
        begin(&operator, &person).await;
        Self { app, operator, person, said }
    }

    async fn user(&self) -> User {
        let user: Option<User> = self.operator.value("account/read_user", &[]).await;
        user.expect("signed in")
    }

    /// Lets it be half an hour later.
    async fn end_time(&self) {
        let over = "update sessions set viewing_until = now() where viewing_until is not null";
        self.app.database().execute(over).await;
    }

    async fn id(&self, table: &str) -> String {
        self.app.database().rows(&format!("select id::text from {table} limit 1")).await[0].get(0)
    }

    /// A fingerprint of everything somebody could change.
    async fn everything(&self) -> Vec<String> {
        let tables = "select table_name::text from information_schema.tables
            where table_schema = 'public' and table_type = 'BASE TABLE' order by 1";
        let mut prints = Vec::new();
        for row in self.app.database().rows(tables).await {
            let table: String = row.get(0);
            let sql =
                format!("select md5(coalesce(string_agg(t::text, '|' order by t::text), '')) from {table} t");
            prints.push(format!("{table}: {}", self.app.database().rows(&sql).await[0].get::<_, String>(0)));
        }
        prints
    }
}

async fn begin(operator: &Browser, person: &str) {
    let fields = [("id", person), ("reason", "they see no receipts")];
    assert_eq!(operator.call("admin/people/begin_visit", &fields).await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_shows_what_the_person_sees_but_what_was_written() {
    let mut visit = Visit::begin().await;
    let user = visit.user().await;
    assert_eq!(user.viewing.map(|viewing| viewing.person.to_string()).as_ref(), Some(&visit.person));
    assert!(!user.is_operator);
    let threads: Vec<Thread> = visit.operator.value("chat/list_threads", &[]).await;
    assert_eq!(
        threads.iter().map(|thread| thread.title.as_str()).collect::<Vec<_>>(),
        ["Hidden from operators"]
    );
    let thread = threads[0].id.to_string();
    let conversation: Conversation = visit.operator.value("chat/read_thread", &[("id", &thread)]).await;
    assert_eq!(conversation.messages.len(), 2);
    assert!(conversation.messages.iter().all(|message| message.content == "Hidden from operators"));

    let generation = visit.id("generations").await;
    let pages =
        ["/chat".to_owned(), format!("/chat/{thread}"), "/usage".to_owned(), "/usage/statement".to_owned()];
    for page in pages.into_iter().chain([
        format!("/usage/replies/{generation}"),
        "/account".to_owned(),
        "/api-keys".to_owned(),
        "/billing".to_owned(),
    ]) {
        let answer = visit.operator.get(&page).await;
        assert_eq!(answer.status(), 200, "{page}");
        let html = answer.text().await.expect("a page");
        assert!(!html.contains(&visit.said), "{page}");
        assert!(html.contains("data-testid=\"end-visit\""), "{page}");
    }
    for file in ["/usage/replies.csv", "/usage/statement.csv", &format!("/chat/{thread}/export.md")] {
        assert_eq!(visit.operator.get(file).await.status(), 403, "{file}: what was written is in it");
    }
    assert_eq!(visit.operator.get("/admin/people").await.status(), 404, "the person is no operator");
}

/// By every server function there is, whoever adds one.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_can_be_changed_in_a_visit() {
    let visit = Visit::begin().await;
    let thread = visit.id("threads").await;
    let before = visit.everything().await;
    for function in functions().into_iter().filter(|function| !READS.contains(function)) {
        assert_eq!(refusal(&visit.operator, function, &thread).await, json!("read_only"), "{function}");
        assert_eq!(visit.everything().await, before, "{function}");
    }
}

/// Every function for people there is.
pub(super) fn functions() -> Vec<&'static str> {
    let mut functions: Vec<_> = leptos::server_fn::axum::server_fn_paths()
        .filter_map(|(path, _)| path.strip_prefix("/api/"))
        .filter(|path| !path.starts_with("admin/"))
        .collect();
    functions.sort_unstable();
    assert!(functions.contains(&"account/sign_out_everywhere") && functions.contains(&"chat/start_reply"));
    functions
}

/// Why a function refuses, whatever it takes and however.
pub(super) async fn refusal(browser: &Browser, function: &str, thread: &str) -> Value {
    if ["chat/start_reply", "chat/follow_reply"].contains(&function) {
        let target = json!({ "kind": "new_thread", "prompt": "a prompt" });
        let request = json!({ "client_request_id": thread, "target": target });
        let body = json!({ "request": request, "id": thread, "after_seq": 0 });
        let request = browser.request(Method::POST, &format!("/api/{function}")).json(&body);
        let answer = request.send().await.expect("an answer");
        return answer.json::<Value>().await.expect("an error")["type"].clone();
    }
    let kind = if function.starts_with("notices/") { "receipt" } else { "any" };
    let fields = [
        ("id", thread),
        ("title", "Another"),
        ("name", "A key"),
        ("amount", "5.00"),
        ("is_hard", "true"),
        ("is_on", "false"),
        ("kind", kind),
        ("basis", "cap"),
        ("percent", "80"),
        ("plan", "pro"),
        ("interval", "month"),
        ("pack", "credit_10"),
        ("page", "overview"),
        ("session", "cs_1"),
        ("rating", "good"),
        ("words", "a prompt"),
    ];
    browser.error(function, &fields).await.1["type"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_is_written_down_and_ends_where_it_began() {
    let visit = Visit::begin().await;
    let ended = visit
        .operator
        .request(Method::POST, "/api/account/end_visit")
        .header("accept", "text/html")
        .form(&[("", "")])
        .send()
        .await
        .expect("an answer");
    assert_eq!(crate::support::location(&ended), format!("/admin/people/{}", visit.person));
    assert!(visit.user().await.is_operator);
    let log: AuditPage = visit.operator.value("admin/audit/list", &[("query[person]", &visit.person)]).await;
    let told: Vec<_> = log.events.iter().map(|event| event.kind).collect();
    assert_eq!(told[..2], [Some(AuditKind::VisitEnded), Some(AuditKind::VisitBegun)]);
    assert_eq!(log.events[1].reason, "they see no receipts");
    let operators: Vec<_> = log.events[..2].iter().map(|event| event.operator.clone()).collect();
    assert!(operators[0].is_some() && operators[0] == operators[1]);
    // Ending what has ended is fine, and nothing happens.
    let again = visit.operator.call("account/end_visit", &[]).await;
    assert!(again.status().is_success());
    let ends = "select count(*) from audit_events where kind = 'visit_ended'";
    assert_eq!(visit.app.database().number(ends).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_ends_by_itself_after_half_an_hour_and_with_the_role() {
    let visit = Visit::begin().await;
    let left = "select extract(epoch from viewing_until - clock_timestamp())::bigint from sessions
                where viewing_until is not null";
    let left = visit.app.database().number(left).await;
    assert!((1..=1800).contains(&left), "{left} s");
    visit.end_time().await;
    assert!(visit.user().await.is_operator, "its time is over");

    begin(&visit.operator, &visit.person).await;
    assert!(visit.user().await.viewing.is_some());
    visit.app.database().execute("update users set is_operator = false").await;
    let user = visit.user().await;
    assert_eq!((user.viewing, user.is_operator), (None, false), "whoever is no operator is themself");
}

/// However a visit ends, the log says so once, and why.
#[tokio::test(flavor = "multi_thread")]
async fn every_end_of_a_visit_is_written_down() {
    let mut visit = Visit::begin().await;
    let ends = async |visit: &Visit| -> Vec<String> {
        let ends = "select detail from audit_events where kind = 'visit_ended'
            and user_id is not null and operator_id is not null and account_id is not null order by id";
        visit.app.database().rows(ends).await.iter().map(|row| row.get(0)).collect()
    };
    visit.end_time().await;
    begin(&visit.operator, &visit.person).await;
    visit.end_time().await;
    visit.app.state.spawn_worker();
    until(async || ends(&visit).await.len() >= 2).await;
    let told = ends(&visit).await;
    assert!(told.iter().all(|end| end.starts_with("its time was over at 2")), "{told:?}");

    begin(&visit.operator, &visit.person).await;
    visit.operator.sign_in("somebody-else").await;
    assert_eq!(ends(&visit).await[2..], ["somebody signed in with this browser"]);

    visit.operator = visit.app.operator().await;
    begin(&visit.operator, &visit.person).await;
    assert_eq!(visit.operator.call("account/sign_out", &[]).await.status(), 200);
    assert_eq!(ends(&visit).await[3..], ["its session was ended"]);
    let user: Option<User> = visit.operator.value("account/read_user", &[]).await;
    assert_eq!(user, None, "the operator is signed out, not the person");

    visit.operator = visit.app.operator().await;
    let id = visit.app.newest_user().await;
    begin(&visit.operator, &visit.person).await;
    let output = visit.app.command().args(["admin", "revoke", &id]).output().expect("it runs");
    assert!(output.status.success());
    assert_eq!(ends(&visit).await[4..], ["they are no operator any more"]);
    assert_eq!(visit.user().await.viewing, None);

    visit.operator = visit.app.operator().await;
    let id = visit.app.newest_user().await;
    begin(&visit.operator, &visit.person).await;
    let another = visit.app.operator().await;
    let fields = [("id", id.as_str()), ("reason", "a lost laptop")];
    assert_eq!(another.call("admin/people/sign_out", &fields).await.status(), 200);
    assert_eq!(ends(&visit).await[5..], ["they were signed out by an operator"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_goes_on_while_the_product_is_closed() {
    let mut visit = Visit::begin().await;
    let other = visit.app.operator().await;
    let fields = [("switch", "maintenance"), ("is_on", "true"), ("reason", "a new release")];
    assert_eq!(other.call("admin/system/set_switch", &fields).await.status(), 200);
    assert_eq!(visit.app.browser().get("/chat").await.status(), 503, "nobody else gets in");
    let page = visit.operator.get("/chat").await;
    assert_eq!(page.status(), 200);
    assert!(page.text().await.expect("a page").contains("data-testid=\"end-visit\""), "there is a way back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_needs_somebody_else_and_a_reason() {
    let app = TestApp::start().await;
    app.user().await;
    let person = app.newest_user().await;
    let operator = app.operator().await;
    let own = app.newest_user().await;
    let nobody = UserId(uuid::Uuid::now_v7()).to_string();
    for (id, reason, status) in [(&own, "to see", 400), (&person, "", 400), (&nobody, "to see", 404)] {
        let fields = [("id", id.as_str()), ("reason", reason)];
        assert_eq!(operator.call("admin/people/begin_visit", &fields).await.status(), status);
    }
    let user: Option<User> = operator.value("account/read_user", &[]).await;
    assert!(user.is_some_and(|user| user.is_operator));
}
