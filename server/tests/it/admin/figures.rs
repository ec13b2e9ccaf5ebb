//! What is added up for operators, and how they look at it.

use std::collections::BTreeSet;

use app::types::{DayFigures, NamedVolume, Nanos, Overview, Ratings, VolumeReport};
use server::DayTotals;

use crate::support::{Browser, TestApp, prompt};

async fn add_up(app: &TestApp) -> usize {
    DayTotals::new(app.db()).bring_up_to_date().await.expect("it adds up")
}

async fn overview(operator: &Browser) -> Overview {
    operator.value("admin/figures/read_overview", &[]).await
}

async fn report(operator: &Browser) -> VolumeReport {
    operator.value("admin/figures/report", &[]).await
}

fn today(overview: &Overview) -> &DayFigures {
    overview.days.last().expect("a day")
}

/// Everything but when it was computed.
async fn all_rows(app: &TestApp) -> Vec<String> {
    let tables = [
        "usage_days",
        "account_days",
        "attempt_days",
        "rating_days",
        "cost_explosions",
        "top_spenders",
        "paying_spans",
    ];
    let rows = tables.map(|table| format!("select {table}::text as row from {table}"));
    let totals = "select (to_jsonb(day_totals) - 'computed_at')::text from day_totals";
    let rows =
        app.database().rows(&format!("{} union all {totals} order by 1", rows.join(" union all "))).await;
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_added_up_is_what_was_used_however_often_it_is_added_up() {
    let app = TestApp::start().await;
    let (one, other) = (app.user().await, app.user().await);
    one.ask(&prompt()).await;
    one.ask(&prompt()).await;
    let failing = prompt();
    app.sandbox.script(&failing, serde_json::json!({ "status": 400 })).await;
    other.ask(&failing).await;
    let operator = app.operator().await;
    assert_eq!(overview(&operator).await.computed_at, None, "a new installation");

    add_up(&app).await;
    let rows = all_rows(&app).await;
    assert!(rows.len() > 5, "{rows:?}");
    add_up(&app).await;
    assert_eq!(all_rows(&app).await, rows, "nothing else for being added up again");

    let sum = async |column: &str| {
        app.database().number(&format!("select sum({column})::bigint from usage_records")).await
    };
    let overview = overview(&operator).await;
    let figures = &today(&overview).figures;
    assert_eq!((figures.volume.replies, figures.volume.failed), (3, 1));
    assert_eq!(figures.volume.charged, Nanos(sum("charged_nanos").await));
    assert_eq!(figures.volume.cost, Nanos(sum("cost_nanos").await));
    assert_eq!(i64::try_from(figures.volume.tokens()), Ok(sum("input_tokens + output_tokens").await));
    assert_eq!((figures.active_people, figures.new_people, overview.total.active_people), (2, 3, 2));
    assert_eq!((figures.paying, figures.churned, figures.recurring), (Some(0), Some(0), Some(Nanos::ZERO)));
    assert!(figures.attempts >= 3 && figures.failed_attempts >= 1, "{figures:?}");
    assert!(figures.first_token_ms_p50.is_some() && figures.first_token_ms_p50 <= figures.first_token_ms_p95);
    assert_eq!(overview.days.len(), 30);
    assert_eq!(overview.days[28].figures.paying, None, "nobody looked yesterday");
    assert_eq!(overview.total.volume, figures.volume);

    let report = report(&operator).await;
    assert_eq!(report.total, figures.volume);
    let providers = report.providers.iter().map(|part| part.name.as_str());
    assert_eq!(providers.collect::<BTreeSet<_>>(), BTreeSet::from(["No route answered", "openai"]));
    for parts in [&report.models, &report.providers, &report.routes, &report.plans, &report.outcomes] {
        assert_eq!(parts.iter().map(|part| part.volume.replies).sum::<u64>(), 3, "{parts:?}");
    }
    assert_eq!(report.plans[0].name, "Free");
    let spent: Vec<_> = report.people.iter().map(|person| person.volume.replies).collect();
    assert_eq!(spent, [2, 1], "dearest first");
    assert!(!report.people[0].person.name.is_empty());
}

/// Moves everything that was used into the past, as if it might still be corrected.
async fn make_provisional(app: &TestApp, days: u32) {
    let moved = format!(
        "set session_replication_role = replica;
         update usage_records set created_at = created_at - interval '{days} days', is_provisional = true;
         update account_months set month =
            (select date_trunc('month', min(created_at) at time zone 'UTC')::date from usage_records);
         update users set created_at = created_at - interval '{days} days';
         set session_replication_role = origin"
    );
    app.database().execute(&moved).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_is_added_up_again_when_something_of_it_was_corrected_and_no_other_is() {
    let app = TestApp::start().await;
    app.user().await.ask(&prompt()).await;
    make_provisional(&app, 10).await;
    assert_eq!(add_up(&app).await, 11, "every day since the first");
    assert_eq!(add_up(&app).await, 2, "today and yesterday");
    let old_day = "select sum(output_tokens)::bigint from usage_days where day < current_date - 5";
    let before = app.database().number(old_day).await;
    app.database()
        .execute("update usage_records set is_provisional = false, output_tokens = output_tokens + 7")
        .await;
    assert_eq!(add_up(&app).await, 3, "and the one that was corrected");
    assert_eq!(app.database().number(old_day).await, before + 7);
    assert_eq!(add_up(&app).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_is_over_keeps_the_plans_of_then_when_it_is_corrected() {
    let app = TestApp::start().await;
    let somebody = app.user().await;
    somebody.ask(&prompt()).await;
    make_provisional(&app, 10).await;
    add_up(&app).await;
    app.database().execute("update accounts set plan = 'pro'").await;
    app.database()
        .execute("update usage_records set is_provisional = false, output_tokens = output_tokens + 7")
        .await;
    somebody.ask(&prompt()).await;
    add_up(&app).await;
    let plans = app.database().rows("select plan, replies from usage_days order by day").await;
    let plans: Vec<(String, i64)> = plans.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(plans, [("free".to_owned(), 1), ("pro".to_owned(), 1)]);

    // A day that is not over is one of the plan somebody has by now.
    app.database().execute("update accounts set plan = 'free'").await;
    add_up(&app).await;
    let plans = "select count(*) from usage_days where plan = 'free'";
    assert_eq!(app.database().number(plans).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_think_of_replies_is_told_by_day_and_by_model() {
    let app = TestApp::start().await;
    let somebody = app.user().await;
    let operator = app.operator().await;
    for rating in ["good", "good", "bad", "bad"] {
        let id = somebody.ask(&prompt()).await.ended().0.id.to_string();
        let rated = somebody.call("chat/rate_reply", &[("id", &id), ("rating", rating)]).await;
        assert_eq!(rated.status(), 200);
    }
    // Somebody thinks otherwise.
    let taken_back =
        "delete from ratings where message_id = (select message_id from ratings where not is_good limit 1)";
    add_up(&app).await;
    app.database().execute(taken_back).await;
    add_up(&app).await;
    let ratings = Ratings { good: 2, bad: 1 };
    let overview = overview(&operator).await;
    assert_eq!((today(&overview).figures.ratings, overview.total.ratings), (ratings, ratings));
    assert_eq!(overview.before.ratings.count(), 0);
    let report = report(&operator).await;
    let rated = |parts: &[NamedVolume]| parts.iter().map(|part| part.ratings).collect::<Vec<_>>();
    assert_eq!(rated(&report.models), [Some(ratings)]);
    assert_eq!(rated(&report.routes), [Some(ratings)]);
    assert_eq!(rated(&report.plans), [None]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_pays_and_who_stopped_is_known_of_the_end_of_each_day() {
    let app = TestApp::start().await;
    let operator = app.operator().await;
    let subscribe = "insert into subscriptions (account_id, id, status, plan, interval, amount_cents, period_start, period_end)
        select id, 'sub_' || id, 'active', 'pro', 'year', 24000, now(), now() + interval '1 year' from accounts";
    app.database().execute(subscribe).await;
    add_up(&app).await;
    let told = overview(&operator).await;
    let figures = &today(&told).figures;
    assert_eq!((figures.paying, figures.recurring), (Some(1), Some(Nanos::from_cents(2_000))), "a month");

    // A night passes.
    let night = "update paying_spans set since = since - 1; update day_totals set day = day - 1";
    app.database().execute(night).await;
    let unpaid =
        "update subscriptions set status = 'past_due', past_due_since = now(), grace_ends_at = now()";
    app.database().execute(unpaid).await;
    add_up(&app).await;
    let told = overview(&operator).await;
    assert_eq!((today(&told).figures.paying, today(&told).figures.past_due), (Some(1), Some(1)));
    assert_eq!((told.days[28].figures.paying, told.days[28].figures.past_due), (Some(1), Some(0)));
    assert_eq!(told.total.churned, Some(0));

    let ended = "update subscriptions set status = 'canceled', past_due_since = null, grace_ends_at = null";
    app.database().execute(ended).await;
    for _ in 0..2 {
        add_up(&app).await;
        let told = overview(&operator).await;
        let figures = &today(&told).figures;
        assert_eq!((figures.paying, figures.churned), (Some(0), Some(1)), "counted once");
    }
    let again = "update subscriptions set status = 'active'";
    app.database().execute(again).await;
    add_up(&app).await;
    let told = overview(&operator).await;
    assert_eq!(
        (today(&told).figures.paying, today(&told).figures.churned),
        (Some(1), Some(0)),
        "still the same day"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_costs_far_more_than_usual_is_told_and_one_that_is_usual_is_not() {
    let app = TestApp::with(|config| {
        config.llm.catalog.models[0].routes[0].costs.output = Nanos(1_000_000_000_000_000);
    })
    .await;
    app.user().await.ask(&prompt()).await;
    let id = app.newest_user().await;
    let operator = app.operator().await;
    add_up(&app).await;
    let told = report(&operator).await.explosions;
    let [explosion] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((explosion.person.id.to_string(), explosion.usual), (id, Nanos::ZERO));
    assert!(explosion.cost > Nanos::from_cents(100));

    // Seven such days among fourteen are not usual, eight are.
    let days = |count: u32| {
        format!(
            "delete from account_days where day < current_date - 1;
             insert into account_days (account_id, day, replies, input_tokens, output_tokens, charged_nanos, cost_nanos)
             select account_id, current_date - 1 - number, 1, 0, 0, 0, cost_nanos
             from usage_records, generate_series(1, {count}) as number"
        )
    };
    for (count, expected) in [(7, 1), (8, 0)] {
        app.database().execute(&days(count)).await;
        add_up(&app).await;
        assert_eq!(report(&operator).await.explosions.len(), expected, "{count}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_used_can_be_downloaded_whole() {
    let app = TestApp::start().await;
    app.user().await.ask(&prompt()).await;
    add_up(&app).await;
    let many = "insert into usage_days
        select day, model, route_key, 'plan ' || number, state, replies, 0, 0, 0, charged_nanos, cost_nanos
        from usage_days, generate_series(1, 2500) as number";
    app.database().execute(many).await;
    let mut operator = app.operator().await;
    let file = operator.get("/admin/usage.csv").await.text().await.expect("a file");
    assert_eq!(file.lines().count(), 1 + 1 + 2500, "a head, and each row once");
    assert!(file.starts_with("day,model,route,provider,plan,outcome,"), "{file}");
    assert!(file.contains(",openai,free,finished,1,"), "{file}");
    let people = operator.get("/admin/usage-people.csv?period=30-days").await.text().await.expect("a file");
    assert_eq!(people.lines().count(), 2, "{people}");
    assert!(people.lines().nth(1).is_some_and(|line| line.contains(",Free,1,")), "{people}");
    assert_eq!(operator.get("/admin/usage.csv?period=yesterday").await.status(), 400);
}
