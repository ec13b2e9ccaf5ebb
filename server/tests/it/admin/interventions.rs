//! What operators do to an account: each shows at once for the person, and is in the audit log.

use app::ApiError;
use app::types::{
    ApiKey, AuditEvent, AuditKind, AuditPage, EntryReason, LimitName, Nanos, Person, Quota, Standing,
    Statement, User,
};
use http::StatusCode;
use uuid::Uuid;

use crate::support::{Browser, Shop, TestApp, available, billing, new_request, prompt};

const REASON: &str = "as they asked for by mail";

/// Does something to a person, for [`REASON`].
async fn act(operator: &Browser, deed: &str, id: &str, fields: &[(&str, &str)]) -> StatusCode {
    let form_id = Uuid::now_v7().to_string();
    let whom = [("id", id), ("reason", REASON), ("form_id", &form_id)];
    operator.call(&format!("admin/people/{deed}"), &[fields, &whom[..]].concat()).await.status()
}

/// What the log says last of a person; what an operator did has to be in it with everything.
async fn last_event(operator: &Browser, id: &str) -> AuditEvent {
    let mut page: AuditPage = operator.value("admin/audit/list", &[("query[person]", id)]).await;
    let event = page.events.remove(0);
    assert_eq!(event.reason, REASON);
    assert_eq!(event.address.as_deref(), Some("127.0.0.1"));
    assert!(event.operator.as_ref().is_some_and(|operator| operator.id.to_string() != id));
    assert!(!event.request_id.is_empty());
    event
}

fn changes(event: &AuditEvent) -> Vec<String> {
    event.changes.iter().map(ToString::to_string).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn credit_that_is_given_and_taken_is_on_the_persons_statement_at_once() {
    let app = TestApp::start().await;
    let somebody = app.user().await;
    let id = app.newest_user().await;
    let operator = app.operator().await;
    assert_eq!(available(&somebody).await, Nanos::from_cents(50), "the credit of Free");

    assert_eq!(act(&operator, "give_credit", &id, &[("amount", "5.00"), ("days", "")]).await, 200);
    let event = last_event(&operator, &id).await;
    assert_eq!(event.kind, Some(AuditKind::CreditGiven));
    assert_eq!(changes(&event), ["balance: $0.00 → $5.00"]);
    assert_eq!(available(&somebody).await, Nanos::from_cents(550));

    assert_eq!(act(&operator, "give_credit", &id, &[("amount", "$1"), ("days", "7")]).await, 200);
    assert_eq!(act(&operator, "take_credit", &id, &[("amount", "2.50")]).await, 200);
    let event = last_event(&operator, &id).await;
    assert_eq!(event.kind, Some(AuditKind::CreditTaken));
    assert_eq!(available(&somebody).await, Nanos::from_cents(400));
    let person: Person = operator.value("admin/people/read", &[("id", &id)]).await;
    let left: Vec<_> = person.grants.iter().map(|grant| grant.remaining).collect();
    let left: Vec<_> = left.into_iter().filter(|left| *left > Nanos::ZERO).collect();
    assert_eq!(left, [Nanos::from_cents(400)], "what ended first was taken first");

    let statement: Statement = somebody.value("usage/read_statement", &[]).await;
    let told: Vec<_> =
        statement.entries.iter().map(|entry| (entry.reason.clone(), entry.amount, entry.balance)).collect();
    let cents = Nanos::from_cents;
    assert_eq!(told[0], (EntryReason::Reclaim { credit: None }, Nanos::ZERO - cents(250), cents(400)));
    assert_eq!(told[2], (EntryReason::Gift, cents(100), cents(600)));
    assert_eq!(told[3], (EntryReason::Gift, cents(500), cents(500)));
    let seen: Statement = operator.value("admin/people/read_statement", &[("id", &id)]).await;
    assert_eq!(seen, statement, "the operator sees the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_is_sent_twice_gives_or_takes_once() {
    let app = TestApp::start().await;
    let somebody = app.user().await;
    let id = app.newest_user().await;
    let operator = app.operator().await;
    let send = async |deed: &str, form: &Person, amount: &str| {
        let form_id = form.form_id.to_string();
        let fields = [
            ("id", id.as_str()),
            ("form_id", &form_id),
            ("amount", amount),
            ("days", ""),
            ("reason", REASON),
        ];
        operator.call(&format!("admin/people/{deed}"), &fields).await.status().as_u16()
    };
    let show = async || operator.value::<Person>("admin/people/read", &[("id", &id)]).await;

    let form = show().await;
    let twice = tokio::join!(send("give_credit", &form, "5"), send("give_credit", &form, "5"));
    assert_eq!(twice, (200, 200), "a second click is answered as the first");
    assert_eq!(available(&somebody).await, Nanos::from_cents(550));
    for (deed, amount) in [("give_credit", "6"), ("take_credit", "5")] {
        assert_eq!(send(deed, &form, amount).await, 400, "{deed}: nobody has said this with that form");
    }
    let form = show().await;
    let twice = tokio::join!(send("take_credit", &form, "1"), send("take_credit", &form, "1"));
    assert_eq!(twice, (200, 200));
    assert_eq!(available(&somebody).await, Nanos::from_cents(450));
    assert_eq!(send("give_credit", &show().await, "100000.01").await, 400, "nobody means so much");
    let written = "select count(*) from audit_events where kind in ('credit_given', 'credit_taken')";
    assert_eq!(app.database().number(written).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_changes_nothing_and_is_not_in_the_log() {
    let app = TestApp::start().await;
    let somebody = app.user().await;
    let id = app.newest_user().await;
    let operator = app.operator().await;
    let nobody = "0190a0b0-0000-7000-8000-00000000ffff";
    for (deed, id, fields, status) in [
        ("give_credit", id.as_str(), vec![("amount", "-5"), ("days", "")], 400),
        ("give_credit", &id, vec![("amount", "5"), ("days", "never")], 400),
        ("give_credit", nobody, vec![("amount", "5"), ("days", "")], 404),
        ("take_credit", &id, vec![("amount", "0.51")], 400),
        ("resume", &id, vec![], 400),
        ("extend_grace", &id, vec![("days", "7")], 400),
        ("resync", &id, vec![], 400),
        ("sign_out", nobody, vec![], 404),
    ] {
        assert_eq!(act(&operator, deed, id, &fields).await, status, "{deed} {fields:?}");
    }
    let no_reason = [("id", id.as_str()), ("reason", " ")];
    assert_eq!(operator.call("admin/people/suspend", &no_reason).await.status(), 400);
    let too_much = [("id", id.as_str()), ("form_id", &id), ("amount", "0.51"), ("reason", REASON)];
    let (_, error) = operator.error("admin/people/take_credit", &too_much).await;
    assert_eq!(error["message"], "Only $0.50 is free to be taken. Nothing was changed.");
    assert_eq!(available(&somebody).await, Nanos::from_cents(50));
    let written = "select count(*) from audit_events where operator_id is not null";
    assert_eq!(app.database().number(written).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_suspended_gets_no_replies_and_everything_else() {
    let app = TestApp::start().await;
    let mut somebody = app.user().await;
    let id = app.newest_user().await;
    somebody.ask(&prompt()).await;
    let operator = app.operator().await;

    assert_eq!(act(&operator, "suspend", &id, &[]).await, 200);
    assert_eq!(last_event(&operator, &id).await.kind, Some(AuditKind::Suspended));
    let refused = somebody.start_reply(&new_request(&prompt())).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert_eq!(refused.error().await, ApiError::Suspended);
    let standing: Standing = somebody.value("billing/read_standing", &[]).await;
    assert_eq!(standing, Standing::Suspended);
    for page in ["/chat", "/usage", "/usage/statement", "/billing", "/account", "/usage/statement.csv"] {
        assert_eq!(somebody.get(page).await.status(), 200, "{page}");
    }
    let page = somebody.get("/usage").await.text().await.expect("a page");
    assert!(page.contains("Your account is suspended."), "the banner says it");
    assert_eq!(act(&operator, "suspend", &id, &[]).await, 400, "somebody else has done it");

    assert_eq!(act(&operator, "resume", &id, &[]).await, 200);
    assert_eq!(last_event(&operator, &id).await.kind, Some(AuditKind::Unsuspended));
    somebody.ask(&prompt()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_signed_out_by_an_operator_is_out_in_every_browser() {
    let app = TestApp::start().await;
    let mut browsers = [app.browser(), app.browser()];
    for browser in &mut browsers {
        browser.sign_in("somebody").await;
    }
    let id = app.newest_user().await;
    let operator = app.operator().await;
    assert_eq!(act(&operator, "sign_out", &id, &[]).await, 200);
    let event = last_event(&operator, &id).await;
    assert_eq!(event.kind, Some(AuditKind::SignedOutByOperator));
    assert_eq!(changes(&event), ["sessions: 2 → 0"]);
    for browser in &browsers {
        let user: Option<User> = browser.value("account/read_user", &[]).await;
        assert_eq!(user, None);
    }
    let still: Option<User> = operator.value("account/read_user", &[]).await;
    assert!(still.is_some(), "nobody else");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_an_operator_revokes_opens_nothing_any_more() {
    let app = TestApp::start().await;
    let program = app.program(&app.user().await).await;
    let id = app.newest_user().await;
    app.user().await;
    let others_id = app.newest_user().await;
    let operator = app.operator().await;
    let read = async || operator.call("admin/people/read", &[("id", &id)]).await.text().await.expect("JSON");
    let keys = async || serde_json::from_str::<Person>(&read().await).expect("a person").api_keys;
    let [key] = keys().await.try_into().expect("one key");
    assert_eq!((key.name.as_str(), key.revoked_at), ("", None), "its name is for its person");
    let key_id = key.id.to_string();
    let revoke = async |id: &str| act(&operator, "revoke_api_key", id, &[("key_id", &key_id)]).await.as_u16();

    assert_eq!(revoke(&others_id).await, 404, "it is no key of theirs");
    assert_eq!(program.get("/v1/models").await.status(), StatusCode::OK);
    assert_eq!(tokio::join!(revoke(&id), revoke(&id)), (200, 200), "a second click is answered as the first");
    let event = last_event(&operator, &id).await;
    assert_eq!((event.kind, event.detail), (Some(AuditKind::ApiKeyRevoked), ApiKey::masked(&key.hint)));
    let written = "select count(*) from audit_events where kind = 'api_key_revoked'";
    assert_eq!(app.database().number(written).await, 1);
    assert_eq!(program.get("/v1/models").await.status(), StatusCode::UNAUTHORIZED);
    assert!(keys().await[0].revoked_at.is_some(), "it is still listed");
    let told = read().await;
    assert!(!told.contains("hash") && !told.contains(&program.key), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_limits_hold_until_their_end_and_can_be_ended_before() {
    let app = TestApp::start().await;
    let somebody = app.user().await;
    let id = app.newest_user().await;
    let operator = app.operator().await;
    let per_minute = async || {
        let quota: Quota = somebody.value("quota/read_quota", &[]).await;
        quota.limit(LimitName::RequestsPerMinute).map(|limit| limit.limit)
    };
    let limits = [("per_minute", "1"), ("per_day", ""), ("tokens", ""), ("concurrent", "3"), ("days", "7")];

    assert_eq!(act(&operator, "override_limits", &id, &limits).await, 200);
    let event = last_event(&operator, &id).await;
    assert_eq!(event.kind, Some(AuditKind::LimitsOverridden));
    let told = changes(&event);
    assert!(told.contains(&"requests per minute: 1".to_owned()), "{told:?}");
    assert_eq!(per_minute().await, Some(1));
    somebody.ask(&prompt()).await;
    let refused = somebody.start_reply(&new_request(&prompt())).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);

    assert_eq!(act(&operator, "end_override", &id, &[]).await, 200);
    assert_eq!(last_event(&operator, &id).await.kind, Some(AuditKind::LimitOverrideEnded));
    assert_eq!(per_minute().await, Some(50));
    somebody.ask(&prompt()).await;

    assert_eq!(act(&operator, "override_limits", &id, &limits).await, 200);
    app.database().execute("update limit_overrides set ends_at = clock_timestamp()").await;
    assert_eq!(per_minute().await, Some(50), "it ends by itself");
    let person: Person = operator.value("admin/people/read", &[("id", &id)]).await;
    assert_eq!(person.limit_override, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_plan_holds_with_its_credit_until_its_end_and_can_be_ended_before() {
    let app = TestApp::start().await;
    let somebody = app.user().await;
    let id = app.newest_user().await;
    let operator = app.operator().await;
    somebody.ask(&prompt()).await;
    let before = available(&somebody).await;
    let plan = async || somebody.value::<Quota>("quota/read_quota", &[]).await.plan_name;
    let pro = [("plan", "pro"), ("until", "2100-12-31")];

    for wrong in [[("plan", "none"), pro[1]], [pro[0], ("until", "2020-12-31")]] {
        assert_eq!(act(&operator, "override_plan", &id, &wrong).await, 400, "{wrong:?}");
    }
    assert_eq!(act(&operator, "override_plan", &id, &pro).await, 200);
    let event = last_event(&operator, &id).await;
    assert_eq!(event.kind, Some(AuditKind::PlanOverridden));
    assert_eq!(changes(&event), ["ends at: 2101-01-01T00:00:00Z", "plan: pro"]);
    assert_eq!(plan().await, "Pro");
    let rest = Nanos::from_cents(1_500 - 50);
    assert_eq!(available(&somebody).await, before + rest, "the rest of the month's credit");
    let statement: Statement = somebody.value("usage/read_statement", &[]).await;
    assert!(matches!(statement.entries[0].reason, EntryReason::MonthlyCredit { .. }), "{statement:?}");
    let told = billing(&somebody).await;
    assert_eq!(told.plan_override.map(|plan| plan.plan_name).as_deref(), Some("Pro"));
    for (browser, page) in [(&somebody, "/billing".to_owned()), (&operator, format!("/admin/people/{id}"))] {
        let page = browser.clone().get(&page).await.text().await.expect("a page");
        assert_eq!(page.matches("data-testid=\"plan-override\"").count(), 1);
    }

    assert_eq!(act(&operator, "end_plan_override", &id, &[]).await, 200);
    assert_eq!(last_event(&operator, &id).await.kind, Some(AuditKind::PlanOverrideEnded));
    assert_eq!(plan().await, "Free");
    assert_eq!(act(&operator, "override_plan", &id, &pro).await, 200);
    assert_eq!(available(&somebody).await, before + rest, "once a month");
    app.database().execute("update plan_overrides set ends_at = clock_timestamp()").await;
    assert_eq!(plan().await, "Free", "it ends by itself");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_plan_stays_whatever_stripe_says_and_leaves_the_subscription_alone() {
    let shop = Shop::without_webhooks().await;
    let somebody = shop.app.user().await;
    let id = shop.app.newest_user().await;
    let operator = shop.app.operator().await;
    shop.subscribe(&somebody, "pro", "month").await;
    let sync = async || {
        assert_eq!(act(&operator, "resync", &id, &[]).await, 200);
        shop.settle().await;
    };
    sync().await;
    let paid = (billing(&somebody).await.subscription, available(&somebody).await);
    let plan = async || somebody.value::<Quota>("quota/read_quota", &[]).await.plan_name;
    assert_eq!(plan().await, "Pro");

    let max = [("plan", "max"), ("until", "2100-12-31")];
    assert_eq!(act(&operator, "override_plan", &id, &max).await, 200);
    sync().await;
    assert_eq!(plan().await, "Max");
    let now = (billing(&somebody).await.subscription, available(&somebody).await);
    assert_eq!(now, paid, "it is paid, and gives its credit, as before");
    assert_eq!(act(&operator, "end_plan_override", &id, &[]).await, 200);
    assert_eq!(plan().await, "Pro");
}

/// Past due for longer than the plan bears.
fn overdue(id: &str) -> String {
    format!(
        "insert into subscriptions (account_id, id, status, plan, interval, amount_cents, period_start, period_end,
             past_due_since, grace_ends_at)
         select account_id, 'sub_1', 'past_due', 'pro', 'month', 2000, now(), now() + interval '20 days',
             now() - interval '9 days', now() - interval '2 days'
         from users where id = '{id}';
         update accounts set plan = 'pro', stripe_customer_id = 'cus_1'
         where id = (select account_id from users where id = '{id}')"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_longer_grace_opens_what_is_frozen() {
    let app = TestApp::start().await;
    let somebody = app.user().await;
    let id = app.newest_user().await;
    app.database().execute(&overdue(&id)).await;
    let operator = app.operator().await;
    let refused = somebody.start_reply(&new_request(&prompt())).await;
    assert!(matches!(refused.error().await, ApiError::Frozen { .. }));

    assert_eq!(act(&operator, "extend_grace", &id, &[("days", "3")]).await, 200);
    assert_eq!(last_event(&operator, &id).await.kind, Some(AuditKind::GraceExtended));
    let Standing::PastDue { since, grace_ends_at } = billing(&somebody).await.standing else {
        panic!("{:?}", billing(&somebody).await)
    };
    assert_eq!((grace_ends_at - since).num_days(), 9 + 3);
    assert_eq!(act(&operator, "extend_grace", &id, &[("days", "1")]).await, 400, "it would be shorter");
    assert_eq!(act(&operator, "give_credit", &id, &[("amount", "1"), ("days", "")]).await, 200);
    somebody.ask(&prompt()).await;

    app.database().execute("update accounts set grace_until = clock_timestamp()").await;
    assert!(matches!(billing(&somebody).await.standing, Standing::Frozen { .. }), "it ends by itself");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stripe_knows_and_no_webhook_told_is_read_again() {
    let shop = Shop::without_webhooks().await;
    let somebody = shop.app.user().await;
    let id = shop.app.newest_user().await;
    shop.subscribe(&somebody, "pro", "month").await;
    assert_eq!(billing(&somebody).await.standing, Standing::Free, "nobody has told it");
    let operator = shop.app.operator().await;
    assert_eq!(act(&operator, "resync", &id, &[]).await, 200);
    assert_eq!(last_event(&operator, &id).await.kind, Some(AuditKind::ReadAgain));
    shop.settle().await;
    assert_eq!(billing(&somebody).await.standing, Standing::Active);
}

/// Whatever an operator changes and its row of the audit log come together or not at all.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_changed_when_it_cannot_be_written_down() {
    let app = TestApp::start().await;
    app.program(&app.user().await).await;
    let id = app.newest_user().await;
    let other = app.user().await;
    let others_id = app.newest_user().await;
    let operator = app.operator().await;
    app.database().execute(&overdue(&id)).await;
    assert_eq!(act(&operator, "suspend", &others_id, &[]).await, 200);
    let limits = [("per_minute", "1"), ("per_day", ""), ("tokens", ""), ("concurrent", ""), ("days", "7")];
    assert_eq!(act(&operator, "override_limits", &others_id, &limits).await, 200);
    let plan = [("plan", "pro"), ("until", "2100-12-31")];
    assert_eq!(act(&operator, "override_plan", &others_id, &plan).await, 200);
    app.database().refuse_audit_events().await;

    let before = everything(&app).await;
    let credit = [("amount", "0.20"), ("days", "7")];
    let key_id = app.database().rows("select id::text from api_keys").await[0].get::<_, String>(0);
    let all = [&credit[..1], &limits, &plan, &[("key_id", &*key_id)]].concat();
    for function in deeds() {
        let whom = match function {
            "take_credit" | "resume" | "end_override" | "end_plan_override" => &others_id,
            _ => &id,
        };
        assert_eq!(act(&operator, function, whom, &all).await, 500, "{function}");
        assert_eq!(everything(&app).await, before, "{function}");
    }
    let refused = other.start_reply(&new_request(&prompt())).await;
    assert_eq!(refused.error().await, ApiError::Suspended, "as it was");
}

/// Every function that changes something about a person, whoever adds one.
fn deeds() -> Vec<&'static str> {
    let paths = leptos::server_fn::axum::server_fn_paths().map(|(path, _)| path);
    let deeds = paths.filter_map(|path| path.strip_prefix("/api/admin/people/"));
    let deeds: Vec<_> = deeds.filter(|deed| !["list", "read", "read_statement"].contains(deed)).collect();
    assert!(deeds.contains(&"give_credit"), "{deeds:?}");
    deeds
}

/// A fingerprint of all that operators may change.
async fn everything(app: &TestApp) -> Vec<String> {
    let mut prints = Vec::new();
    for table in [
        "accounts",
        "grants",
        "ledger_entries",
        "limit_overrides",
        "plan_overrides",
        "api_keys",
        "sessions",
        "jobs",
        "audit_events",
    ] {
        let sql =
            format!("select md5(coalesce(string_agg(t::text, '|' order by t::text), '')) from {table} t");
        prints.push(format!("{table}: {}", app.database().rows(&sql).await[0].get::<_, String>(0)));
    }
    prints
}
