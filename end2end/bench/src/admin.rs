//! `bin/bench admin`: how long the pages of the admin panel take, on a database full of people.

use std::time::Instant;

use reqwest::Client;
use url::Url;

use crate::database::Database;
use crate::person::Person;
use crate::server::{Server, ServerArguments};
use crate::stats::quantile;
use crate::{NO_LIMITS, Result, say, setting};

/// Measures how long each page of the admin panel takes until it has arrived whole
///
/// An operator asks for one page after the other, one at a time, first once without counting. The database is the one of
/// bin/services, or DATABASE_URL: fill it with bin/seed before. What is measured is only read; of the operator a row stays,
/// like of anybody who signs in. The last line has the figures of the slowest page.
#[derive(clap::Args)]
pub struct Arguments {
    /// How often each page is asked for
    #[arg(long, default_value_t = 50)]
    requests: u32,
    #[command(flatten)]
    server: ServerArguments,
}

pub async fn run(arguments: &Arguments) -> Result<()> {
    let http = Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
    let database = Database::connect(&setting("DATABASE_URL")?).await?;
    let public_url = &arguments.server.public_url;
    let _running = Server::start(&arguments.server, &http, &NO_LIMITS).await?;
    let operator = Person::sign_in(&http, public_url, "operator-who-measures").await?;
    let newest = "update users set is_operator = true where id = (select user_id from sessions order by created_at desc limit 1)";
    database.client().execute(newest, &[]).await?;
    let mut slowest = (0.0, 0.0, String::new());
    for path in pages(&database).await? {
        let times = measure(&http, &operator, &public_url.join(&path)?, arguments.requests).await?;
        let [p50, p95] = [0.5, 0.95].map(|share| quantile(&mut times.clone(), share));
        say(&format!("{path}: p50_ms={p50:.1} p95_ms={p95:.1}"));
        if p95 > slowest.1 {
            slowest = (p50, p95, path);
        }
    }
    let (p50, p95, path) = slowest;
    say(&format!("slowest={path} p50_ms={p50:.1} p95_ms={p95:.1}"));
    Ok(())
}

/// Every page, with what is likely to be slow: the person who used most, last month, the end of a list.
async fn pages(database: &Database) -> Result<Vec<String>> {
    let text =
        async |query: &str| -> Result<String> { Ok(database.client().query_one(query, &[]).await?.get(0)) };
    let dearest = "select users.id::text from account_months join users using (account_id)
        where month = date_trunc('month', now() at time zone 'UTC')::date order by charged_nanos desc limit 1";
    let dearest = text(dearest).await?;
    let month = text("select to_char(now() - interval '1 month', 'YYYY-MM')").await?;
    let middle = text(
        "select id::text from users order by created_at offset (select count(*) / 2 from users) limit 1",
    )
    .await?;
    Ok(vec![
        "/admin".to_owned(),
        "/admin/usage".to_owned(),
        format!("/admin/usage?period={month}"),
        "/admin/people".to_owned(),
        format!("/admin/people?after=0_{middle}"),
        "/admin/people?sort=spent".to_owned(),
        "/admin/people?sort=last_seen".to_owned(),
        "/admin/people?search=grace".to_owned(),
        "/admin/people?plan=max".to_owned(),
        "/admin/people?standing=active".to_owned(),
        "/admin/people?standing=past_due".to_owned(),
        "/admin/people?standing=frozen".to_owned(),
        "/admin/people?suspended=true".to_owned(),
        "/admin/people?search=grace&plan=max&standing=past_due&sort=spent".to_owned(),
        format!("/admin/people/{dearest}"),
        "/admin/audit".to_owned(),
        "/admin/audit?kind=signed_in".to_owned(),
        format!("/admin/audit?person={dearest}"),
        format!("/admin/audit?kind=signed_in&person={dearest}"),
        "/admin/jobs".to_owned(),
        "/admin/jobs?state=done&kind=sync_customer".to_owned(),
        "/admin/stripe".to_owned(),
        "/admin/stripe?state=failed".to_owned(),
        "/admin/providers".to_owned(),
        "/admin/system".to_owned(),
    ])
}

/// How many milliseconds each request took.
async fn measure(http: &Client, operator: &Person, url: &Url, requests: u32) -> Result<Vec<f64>> {
    let mut times = Vec::new();
    for number in 0..=requests {
        let begun = Instant::now();
        let answer = operator.page(http, url.clone()).send().await?.error_for_status()?;
        answer.bytes().await?;
        if number > 0 {
            times.push(begun.elapsed().as_secs_f64() * 1_000.0);
        }
    }
    Ok(times)
}
