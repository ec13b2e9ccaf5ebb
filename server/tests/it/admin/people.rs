//! Finding people.

use app::types::{Nanos, PeoplePage, Standing, StandingName};

use serde_json::Value;

use crate::support::{Browser, TestApp, completion, prompt};

async fn find(operator: &Browser, fields: &[(&str, &str)]) -> Vec<String> {
    let page: PeoplePage = operator.value("admin/people/list", fields).await;
    page.people.into_iter().map(|person| person.display_name).collect()
}

/// Every name, page after page.
async fn find_all(operator: &Browser, fields: &[(&str, &str)]) -> Vec<String> {
    let (mut names, mut place) = (Vec::new(), None);
    loop {
        let mut asked = fields.to_vec();
        let text = place.map(|place: app::types::PeoplePlace| place.to_string());
        asked.extend(text.as_deref().map(|text| ("query[after]", text)));
        let page: PeoplePage = operator.value("admin/people/list", &asked).await;
        names.extend(page.people.into_iter().map(|person| person.display_name));
        let Some(next) = page.next else { return names };
        place = Some(next);
    }
}

/// A number of people, of whom each has more of everything than the one before, and every third has as much as the last.
async fn crowd(app: &TestApp, count: u32) {
    let people = format!(
        "create temporary table crowd as
            select number, gen_random_uuid() as id, (number / 3)::bigint as amount from generate_series(1, {count}) as number;
         insert into accounts (id, plan) select id, case when number % 2 = 0 then 'pro' else 'free' end from crowd;
         insert into ledger_entries (id, account_id, cause, amount_nanos)
            select gen_random_uuid(), id, 'pack:' || number, amount * 1000000000 from crowd where amount > 0;
         insert into grants (id, account_id, cause, amount_nanos, remaining_nanos)
            select gen_random_uuid(), id, 'pack:' || number, amount * 1000000000, amount * 999999999
            from crowd where amount > 0;
         insert into users (id, account_id, display_name, email, last_seen_at)
            select ('01900000-0000-7000-8000-' || lpad(number::text, 12, '0'))::uuid, id, 'Member ' || lpad(number::text, 3, '0'),
                'member' || number || '@example.test', timestamptz '2026-01-01' + amount * interval '1 hour'
            from crowd;
         -- Of conversations that are not there.
         set session_replication_role = replica;
         insert into generations (id, account_id, client_request_id, thread_id, parent_message_id, model, state,
                 estimated_input_tokens, ended_at)
            select id, id, id, id, id, 'everyday', 'finished', 0, now() from crowd where amount > 0;
         set session_replication_role = origin;
         insert into holds (generation_id, account_id, amount_nanos, state, expires_at, resolved_at)
            select id, id, amount, 'posted', now(), now() from crowd where amount > 0;
         insert into usage_records (generation_id, account_id, model, input_tokens, output_tokens, is_estimated, charged_nanos)
            select id, id, 'everyday', 0, 0, false, amount from crowd where amount > 0;
         insert into ledger_entries (id, account_id, cause, amount_nanos)
            select gen_random_uuid(), id, 'generation:' || id, -amount from crowd where amount > 0"
    );
    app.database().execute(&people).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_found_by_name_address_and_every_id() {
    let app = TestApp::start().await;
    crowd(&app, 3).await;
    let operator = app.operator().await;
    app.database()
        .execute(
            "update accounts set stripe_customer_id = 'cus_ABC' where id =
                (select account_id from users where display_name = 'Member 002');
             update users set display_name = '100% Member_' where display_name = 'Member 003'",
        )
        .await;
    let ids = app
        .database()
        .rows("select id::text, account_id::text from users where display_name = 'Member 001'")
        .await;
    let (user_id, account_id): (String, String) = (ids[0].get(0), ids[0].get(1));
    for (search, expected) in [
        ("member 00", vec!["Member 002", "Member 001"]),
        ("MEMBER1@", vec!["Member 001"]),
        ("member3", vec!["100% Member_"]),
        ("cus_ABC", vec!["Member 002"]),
        (&user_id, vec!["Member 001"]),
        (&account_id, vec!["Member 001"]),
        ("100%", vec!["100% Member_"]),
        ("1%", vec![]),
        ("embe", vec![]),
        ("cus_", vec![]),
        ("'; drop table users", vec![]),
    ] {
        assert_eq!(find(&operator, &[("query[search]", search)]).await, expected, "{search}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_found_by_the_id_of_a_reply_also_as_programs_see_it() {
    let app = TestApp::start().await;
    let (somebody, other) = (app.user().await, app.user().await);
    let program = app.program(&somebody).await;
    let in_chat = somebody.ask(&prompt()).await.generation_id().to_string();
    other.ask(&prompt()).await;
    let answer: Value = program.complete(&completion(&prompt())).await.json().await.expect("JSON");
    let by_program = answer["id"].as_str().expect("an id").to_owned();
    let operator = app.operator().await;
    let name = "select display_name from users order by created_at limit 1";
    let expected: Vec<String> = app.database().rows(name).await.iter().map(|row| row.get(0)).collect();
    let bare = by_program.strip_prefix("chatcmpl-").expect("OpenAI's form");
    for search in [&in_chat, bare, &by_program, &format!("chatcmpl-{in_chat}")] {
        assert_eq!(find(&operator, &[("query[search]", search)]).await, expected, "{search}");
    }
    for search in ["chatcmpl-01900000-0000-7000-8000-000000000000", "chatcmpl-", "chatcmpl-1"] {
        assert!(find(&operator, &[("query[search]", search)]).await.is_empty(), "{search}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_order_lists_everybody_once_however_many_pages_there_are() {
    let app = TestApp::start().await;
    crowd(&app, 130).await;
    let operator = app.operator().await;
    for sort in ["newest", "last_seen", "spent"] {
        let names = find_all(&operator, &[("query[sort]", sort), ("query[search]", "Member")]).await;
        let mut each = names.clone();
        each.sort();
        each.dedup();
        // Who spent nothing is not listed by what was spent.
        let expected = if sort == "spent" { 128 } else { 130 };
        assert_eq!((names.len(), each.len()), (expected, expected), "{sort}");
        let third = |name: &String| name[7..].parse::<u32>().expect("a number") / 3;
        assert!(names.iter().map(third).is_sorted_by(|a, b| a >= b), "{sort}: {names:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_narrowed_down_by_plan_payment_and_suspension() {
    let app = TestApp::start().await;
    crowd(&app, 7).await;
    let operator = app.operator().await;
    let subscribe = |name: &str, status: &str, grace: &str| {
        let since = if grace == "null" { "null" } else { "now()" };
        format!(
            "insert into subscriptions (account_id, id, status, plan, interval, amount_cents, period_start, period_end,
                past_due_since, grace_ends_at)
             select account_id, display_name, '{status}', 'pro', 'month', 2000, now(), now(), {since}, {grace}
             from users where display_name = '{name}';"
        )
    };
    let later = "now() + interval '1 day'";
    let earlier = "now() - interval '1 day'";
    let rows = [
        subscribe("Member 001", "active", "null"),
        subscribe("Member 002", "past_due", later),
        subscribe("Member 003", "past_due", earlier),
        subscribe("Member 004", "unpaid", later),
        subscribe("Member 005", "canceled", "null"),
        subscribe("Member 007", "unpaid", "null"),
    ];
    app.database().execute(&rows.concat()).await;
    app.database()
        .execute("update accounts set suspended_at = now() where id = (select account_id from users where display_name = 'Member 006')")
        .await;
    for (standing, expected) in [
        ("free", vec!["Member 006", "Member 005"]),
        ("active", vec!["Member 001"]),
        ("past_due", vec!["Member 002"]),
        ("frozen", vec!["Member 007", "Member 004", "Member 003"]),
    ] {
        let fields = [("query[standing]", standing), ("query[search]", "member")];
        let page: PeoplePage = operator.value("admin/people/list", &fields).await;
        let told: Vec<_> = page
            .people
            .iter()
            .map(|person| StandingName::of(person.standing).map(StandingName::key))
            .collect();
        assert_eq!(told, vec![Some(standing); expected.len()], "the list says the same");
        assert_eq!(find(&operator, &fields).await, expected, "{standing}");
    }
    let pro = find(&operator, &[("query[plan]", "pro"), ("query[search]", "member")]).await;
    assert_eq!(pro, ["Member 006", "Member 004", "Member 002"]);
    assert_eq!(find(&operator, &[("query[is_suspended]", "true")]).await, ["Member 006"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_says_what_a_person_has_and_what_they_spent_this_month() {
    let app = TestApp::start().await;
    let browser = app.user().await;
    let id = app.newest_user().await;
    browser.ask(&prompt()).await;
    browser.ask(&prompt()).await;
    let operator = app.operator().await;
    let page: PeoplePage = operator.value("admin/people/list", &[("query[search]", &id)]).await;
    let [person] = page.people.as_slice() else { panic!("{page:?}") };
    let charged = app.database().number("select sum(charged_nanos)::bigint from usage_records").await;
    assert!(charged > 0);
    assert_eq!(person.spent_this_month, Nanos(charged));
    let balance =
        app.database().number("select posted_nanos from accounts order by created_at limit 1").await;
    assert_eq!((person.balance, person.standing), (Nanos(balance), Standing::Free));
    let seen = app.database().number(
        "select count(*) from users join sessions on user_id = users.id where users.last_seen_at = sessions.last_seen_at",
    );
    assert_eq!(seen.await, 2);
}

/// However many people there are, a page costs what is on it.
#[tokio::test(flavor = "multi_thread")]
async fn every_order_and_search_goes_by_an_index() {
    let app = TestApp::start().await;
    crowd(&app, 20_000).await;
    app.database().execute("vacuum analyze").await;
    let operator = app.operator().await;
    let place = |value: &str, id: &str| format!("{value}_{id}");
    let id = app.newest_user().await;
    for fields in [
        vec![("query[sort]", "newest".to_owned())],
        vec![("query[sort]", "last_seen".to_owned())],
        vec![("query[sort]", "spent".to_owned())],
        vec![("query[sort]", "spent".to_owned()), ("query[after]", place("100000000000", &id))],
        vec![("query[search]", "member 0042".to_owned())],
        vec![("query[search]", "member42@".to_owned())],
        vec![("query[search]", id.clone())],
        vec![("query[search]", "cus_1".to_owned())],
        vec![("query[search]", format!("chatcmpl-{id}"))],
    ] {
        let before = rows_read(&app).await;
        let borrowed: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let _: PeoplePage = operator.value("admin/people/list", &borrowed).await;
        let read = rows_read(&app).await - before;
        assert!(read < 2_000, "{fields:?} read {read} rows");
    }
}

/// Rows of the large tables that were looked at, whole scans included.
async fn rows_read(app: &TestApp) -> i64 {
    app.database().end_connections().await;
    app.is_ready().await;
    app.database()
        .number(
            "select sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint from pg_stat_user_tables
             where relname in ('users', 'accounts', 'account_months')",
        )
        .await
}
