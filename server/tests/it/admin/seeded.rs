//! The panel on a database full of people: what a page reads depends on what is on it, and not on how many there are.

use std::collections::BTreeMap;

use app::types::{AuditPage, PeoplePage};
use secrecy::ExposeSecret;

use super::explain;
use crate::support::{Browser, Proxy, TestApp};

const PEOPLE: usize = 2_000;
const RECORDS: usize = 60_000;

/// More than any page needs, and far less than there is.
const MOST_ROWS: i64 = 5_000;

/// Tables that grow with people and with what they use. Not the attempts: those of a day are found in blocks of thousands.
const GROWING: &str =
    "'accounts', 'users', 'sessions', 'identities', 'threads', 'messages', 'generations', 'holds', 'grants',
    'ledger_entries', 'usage_records', 'account_days', 'account_months', 'audit_events', 'invoices',
    'purchases', 'stripe_events', 'subscriptions', 'paying_spans'";

/// Rows and index entries of each of these that were looked at.
pub async fn rows_read(app: &TestApp) -> BTreeMap<String, i64> {
    app.database().end_connections().await;
    app.is_ready().await;
    let tables = format!(
        "select relname::text, (seq_tup_read + coalesce(idx_tup_fetch, 0) + coalesce(
                (select sum(idx_tup_read) from pg_stat_user_indexes i where i.relid = t.relid), 0))::bigint
            from pg_stat_user_tables t where relname in ({GROWING})"
    );
    app.database().rows(&tables).await.iter().map(|row| (row.get(0), row.get(1))).collect()
}

fn seed(app: &TestApp, more: &[&str]) -> std::process::Output {
    let (people, records) = (PEOPLE.to_string(), RECORDS.to_string());
    let mut command = app.command();
    command.args(["seed", "--people", &people, "--records", &records]).args(more).output().expect("it runs")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_of_the_panel_reads_little_and_the_made_up_books_add_up() {
    let app = TestApp::start().await;
    let applied = app.command().arg("apply-catalog").output().expect("it runs");
    assert!(applied.status.success());
    let mut operator = app.operator().await;
    let refused = seed(&app, &[]);
    assert!(!refused.status.success(), "there is somebody");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("there are people in this database"));
    let seeded = seed(&app, &["--beside-people"]);
    assert!(seeded.status.success(), "{}", String::from_utf8_lossy(&seeded.stderr));
    let records = app.database().number("select count(*) from usage_records").await;
    assert!((RECORDS as i64 * 9 / 10..RECORDS as i64 * 11 / 10).contains(&records), "{records}");
    let missing =
        "select count(*) from day_totals where paying is null or computed_at < now() - interval '1 day'";
    assert_eq!(app.database().number(missing).await, 0);

    let pages = pages(&mut operator, &app).await;
    let mut dear = Vec::new();
    for page in &pages {
        let before = rows_read(&app).await;
        assert_eq!(operator.get(page).await.status(), 200, "{page}");
        let read: Vec<_> = rows_read(&app)
            .await
            .into_iter()
            .map(|(table, rows)| (rows - before[&table], table))
            .filter(|(rows, _)| *rows > 0)
            .collect();
        let is_dear = read.iter().map(|(rows, _)| rows).sum::<i64>() > MOST_ROWS;
        dear.extend(is_dear.then_some((page, read)));
    }
    assert_eq!(dear, [], "each with the rows it read");

    explain::tell_plans(&app).await;
    let proxy = Proxy::start().await;
    proxy.answers();
    let there = app.another_server_with(|config| {
        config.database.url = proxy.before(config.database.url.expose_secret()).into();
    });
    let mut operator = operator.at(&there.await);
    let mut read_whole = Vec::new();
    for page in &pages {
        assert_eq!(operator.get(page).await.status(), 200, "{page}");
        let plans = explain::told(&proxy);
        assert!(!plans.is_empty(), "{page} asks the database for something");
        for plan in &plans {
            let growing = explain::read_whole(plan).into_iter().filter(|table| is_growing(table));
            read_whole.extend(growing.map(|table| (page, table.to_owned(), plan["Query Text"].to_string())));
        }
    }
    assert_eq!(read_whole, [], "no index helps there");
}

fn is_growing(table: &str) -> bool {
    table == "generation_attempts" || GROWING.contains(&format!("'{table}'"))
}

/// Every page of the panel, with what can be asked of it.
async fn pages(operator: &mut Browser, app: &TestApp) -> Vec<String> {
    let people: PeoplePage = operator.value("admin/people/list", &[("query[sort]", "spent")]).await;
    let dearest = people.people[0].id;
    let events: AuditPage = operator.value("admin/audit/list", &[]).await;
    let month = "select to_char(now() - interval '1 month', 'YYYY-MM')";
    let month: String = app.database().rows(month).await[0].get(0);
    let reply: String = app.database().rows("select id::text from generations limit 1").await[0].get(0);
    vec![
        "/admin".to_owned(),
        "/admin/usage".to_owned(),
        format!("/admin/usage?period={month}"),
        "/admin/people".to_owned(),
        "/admin/people?sort=spent".to_owned(),
        "/admin/people?sort=last_seen".to_owned(),
        "/admin/people?search=grace".to_owned(),
        format!("/admin/people?search={reply}"),
        format!("/admin/people?search=chatcmpl-{reply}"),
        "/admin/people?plan=pro".to_owned(),
        "/admin/people?plan=pro&sort=spent".to_owned(),
        "/admin/people?standing=past_due".to_owned(),
        "/admin/people?suspended=true".to_owned(),
        "/admin/system".to_owned(),
        format!("/admin/people/{dearest}"),
        "/admin/audit".to_owned(),
        format!("/admin/audit?person={dearest}"),
        format!("/admin/audit?kind=signed_in&after={}", events.next.expect("more")),
        "/admin/jobs".to_owned(),
        "/admin/stripe".to_owned(),
        "/admin/stripe?state=all".to_owned(),
        "/admin/providers".to_owned(),
    ]
}
