//! The audit of the money: what must hold, and what is said when it does not.

use std::io::{BufRead, BufReader};
use std::process::{Command, Output, Stdio};

use app::types::Nanos;

use crate::support::{TestApp, new_request, prompt, silent};

/// A person with two ended replies, one whose process has just died, and credit that never ends.
async fn busy() -> TestApp {
    let mut app = TestApp::with(|config| {
        config.llm.catalog.models[0].prices.output = Nanos(1_000_000);
    })
    .await;
    app.expect_open_holds();
    let (browser, silence) = (app.user().await, prompt());
    browser.ask(&prompt()).await;
    browser.ask(&prompt()).await;
    app.sandbox.script(&silence, silent()).await;
    let mut server = app.spawn_process(&[]);
    server.ready().await;
    browser.at(&server.url).start_reply(&new_request(&silence)).await.read_started().await;
    server.kill();
    let give = "insert into ledger_entries (id, account_id, cause, amount_nanos)
                    select gen_random_uuid(), id, 'pack:one', 1000 from accounts;
                insert into grants (id, account_id, cause, amount_nanos, remaining_nanos)
                    select gen_random_uuid(), id, 'pack:one', 1000, 1000 from accounts;";
    app.database().execute(give).await;
    app
}

fn run(app: &TestApp, arguments: &[&str]) -> Output {
    app.command().args(arguments).output().expect("the command runs")
}

/// Changes the balance and nothing else, as only a trigger that is switched off allows.
pub(crate) fn unbalance(by: &str) -> String {
    format!(
        "begin; set local session_replication_role = replica;
         update accounts set posted_nanos = posted_nanos {by}; commit"
    )
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_healthy_database_passes_every_line() {
    let app = busy().await;
    let (browser, silence) = (app.user().await, prompt());
    app.sandbox.script(&silence, silent()).await;
    browser.start_reply(&new_request(&silence)).await.read_started().await;
    let audit = run(&app, &["audit"]);
    let report = text(&audit.stdout);
    assert!(audit.status.success(), "{report}");
    assert_eq!(report.lines().count(), 22);
    assert!(report.lines().all(|line| line.starts_with("ok   ")), "{report}");
}

/// What breaks each invariant and nothing else: triggers and foreign keys are off, check constraints gone.
const BREAKAGES: [(&str, &str, &str); 22] = [
    ("balance-equals-entries", "1 account", "update accounts set posted_nanos = posted_nanos - 1;
        update grants set remaining_nanos = remaining_nanos - 1 where cause = 'pack:one'"),
    ("nothing-is-posted-twice", "1 cause", "insert into ledger_entries (id, account_id, cause, amount_nanos)
        select gen_random_uuid(), account_id, cause, 0 from ledger_entries where cause like 'generation:%' limit 1"),
    ("charges-equal-postings", "2 replies", "update usage_records set charged_nanos = charged_nanos + 1;
        update account_months set charged_nanos = charged_nanos + 2"),
    ("months-equal-charges", "1 account", "update account_months set charged_nanos = charged_nanos + 1"),
    ("keys-equal-charges", "1 key", "insert into api_keys (id, account_id, user_id, name, hash, hint, charged_nanos)
        select gen_random_uuid(), account_id, id, 'one', '\\x01', 'aaaa', 1 from users"),
    ("postings-have-a-usage-record", "1 cause", "insert into ledger_entries (id, account_id, cause, amount_nanos)
        select gen_random_uuid(), id, 'generation:' || gen_random_uuid(), 0 from accounts"),
    ("ended-replies-have-a-usage-record", "1 reply", "insert into usage_records
            (generation_id, account_id, model, input_tokens, output_tokens, is_estimated, charged_nanos)
        select id, account_id, model, 0, 0, false, 0 from generations where state = 'streaming'"),
    ("ended-replies-have-a-resolved-hold", "1 reply", "update holds set state = 'pending', resolved_at = null
        where generation_id = (select id from generations where state <> 'streaming' limit 1)"),
    ("streaming-replies-have-a-pending-hold", "1 reply", "delete from hold_allocations;
        update holds set state = 'voided', resolved_at = now() where state = 'pending'"),
    ("expired-holds-are-swept", "1 hold",
        "update holds set expires_at = now() - interval '6 minutes' where state = 'pending'"),
    ("attempts-cost-what-records-say", "2 replies", "update usage_records set cost_nanos = cost_nanos + 1"),
    ("grants-are-posted", "1 grant", "update grants set amount_nanos = amount_nanos + 1 where cause = 'pack:one'"),
    ("grants-are-not-overspent", "1 grant",
        "update grants set remaining_nanos = remaining_nanos + 5 where cause = 'pack:one';
         update grants set remaining_nanos = remaining_nanos - 5 where cause <> 'pack:one';
         update hold_allocations set amount_nanos = 1"),
    ("reclaims-fit-their-grants", "1 grant",
        "update grants set reclaim_nanos = remaining_nanos + 1 where cause = 'pack:one'"),
    ("taken-back-credit-stays-away", "1 grant",
        "update grants set taken_back_nanos = 1 where cause = 'pack:one'"),
    ("allocations-fit-their-grants", "1 grant",
        "update hold_allocations set amount_nanos = (select max(amount_nanos) + 1 from grants)"),
    ("allocations-end-with-their-hold", "1 hold",
        "insert into hold_allocations (generation_id, grant_id, amount_nanos)
         select generation_id, grants.id, 1 from holds, grants
         where cause = 'pack:one' and state <> 'pending' limit 1"),
    ("credit-is-in-grants", "1 account",
        "update grants set remaining_nanos = remaining_nanos - 1 where cause = 'pack:one'"),
    ("deficits-are-paid-first", "1 account",
        "insert into ledger_entries (id, account_id, cause, amount_nanos)
         select gen_random_uuid(), id, 'adjustment:one', -1 from accounts;
         update accounts set posted_nanos = posted_nanos - 1"),
    ("overage-is-metered-once", "1 entry", "insert into ledger_entries (id, account_id, cause, amount_nanos)
        select gen_random_uuid(), id, 'overage:' || gen_random_uuid(), 0 from accounts"),
    ("overage-keeps-to-its-limit", "1 account", "insert into meter_events
            (id, account_id, amount_nanos, units, occurred_at, period_start, limit_nanos)
        select gen_random_uuid(), id, 2, 0, now(), now(), 3 from accounts, generate_series(1, 2)"),
    ("overage-adds-up", "1 account",
        "insert into overages (account_id, used_nanos, total_nanos) select id, 5, 5 from accounts"),
];

const TABLES: [&str; 11] = [
    "account_months",
    "accounts",
    "api_keys",
    "generations",
    "grants",
    "holds",
    "hold_allocations",
    "ledger_entries",
    "meter_events",
    "overages",
    "usage_records",
];

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_broken_fails_its_own_line_alone() {
    let app = busy().await;
    let database = app.database();
    let allow_harm = "set session_replication_role = replica; create schema healthy;
        alter table grants drop constraint grants_check, drop constraint grants_check1;
        alter table ledger_entries drop constraint ledger_entries_cause_key;";
    let save = TABLES.map(|table| format!("create table healthy.{table} as table public.{table};")).concat();
    let restore = TABLES.map(|table| {
        format!(
            "delete from {table};
             insert into {table} overriding system value select * from healthy.{table};"
        )
    });
    let restore = restore.concat();
    database.execute(allow_harm).await;
    database.execute(&save).await;
    for (name, count, breakage) in BREAKAGES {
        database.execute(breakage).await;
        let broken = database.broken_invariants().await;
        assert_eq!(broken.len(), 1, "after breaking {name}: {broken:?}");
        assert!(broken[0].starts_with(&format!("FAIL {name}: {count}, first ")), "{}", broken[0]);
        database.execute(&restore).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_broken_account_is_an_exit_status_and_a_line_with_its_id() {
    let app = TestApp::start().await;
    app.user().await;
    let id: String = app.database().rows("select id::text from accounts").await[0].get(0);
    app.database().execute(&unbalance("- 1")).await;
    let audit = run(&app, &["audit"]);
    assert_eq!(audit.status.code(), Some(1));
    let report = text(&audit.stdout);
    let line = format!("FAIL balance-equals-entries: 1 account, first {id}");
    assert!(report.lines().any(|each| each == line), "{report}");
    assert!(text(&audit.stderr).contains("1 of 22 invariants do not hold"));
    app.database().execute(&unbalance("+ 1")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_night_is_audited_once_for_all_processes_and_told_in_the_log() {
    let app = TestApp::start().await;
    app.user().await;
    app.database().execute(&unbalance("- 1")).await;
    let start = |hour: &str| {
        let mut command: Command = app.command();
        command.arg("serve").env("LISTEN_ADDR", "127.0.0.1:0").env("AUDIT_HOUR_UTC", hour);
        command.stderr(Stdio::piped()).spawn().expect("the server starts")
    };
    let mut processes = [start("0"), start("0")];
    while app
        .database()
        .number("select count(*) from jobs where kind = 'audit_money' and state = 'done'")
        .await
        == 0
    {
        tokio::task::yield_now().await;
    }
    let mut errors = 0;
    for process in &mut processes {
        process.kill().expect("killed");
        process.wait().expect("its end");
        let log = BufReader::new(process.stderr.take().expect("its log"));
        errors += log
            .lines()
            .map_while(Result::ok)
            .filter(|line| line.contains("FAIL balance-equals-entries"))
            .count();
    }
    assert_eq!(errors, 1);
    app.database().execute(&unbalance("+ 1")).await;
}
