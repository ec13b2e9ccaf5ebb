//! A simulation of other limits, asked for and told in plain text.

use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;

use app::types::{Nanos, Plan};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

use super::table::{Align, Table};
use crate::config::{DatabaseConfig, Env, PlansConfig};
use crate::services::plans::Plans;
use crate::services::simulation::{Question, simulate};
use crate::simulation::{Limits, Outcome, StoppedAccount, Tally};
use crate::store::Db;

/// So many accounts are listed.
const LISTED_ACCOUNTS: usize = 10;

/// Limits that are not given stay as the plan's settings have them.
#[derive(Clone, Debug, clap::Args)]
pub struct SimulateArguments {
    /// Whose usage is replayed: the accounts that are on this plan today
    #[arg(long, default_value = "free")]
    plan: String,
    #[arg(long, value_name = "N")]
    requests_per_minute: Option<u32>,
    #[arg(long, value_name = "N")]
    requests_per_day: Option<u32>,
    /// Read and written; 0 is any number
    #[arg(long, value_name = "N")]
    tokens_per_minute: Option<u64>,
    #[arg(long, value_name = "N")]
    concurrent_replies: Option<u32>,
    #[arg(long, value_name = "N")]
    monthly_credit_cents: Option<u32>,
    /// The first day, such as 2026-10-01 (UTC)
    #[arg(long, value_name = "DATE")]
    since: NaiveDate,
    /// The day after the last one (UTC); now, when not given
    #[arg(long, value_name = "DATE")]
    until: Option<NaiveDate>,
}

pub(super) async fn run(arguments: SimulateArguments, env: &Env) -> Result<(), Box<dyn Error>> {
    let plans = Plans::new(&PlansConfig::from_env(env)?).list();
    let plan = plans.iter().find(|plan| plan.key == arguments.plan).ok_or_else(|| {
        let keys: Vec<_> = plans.iter().map(|plan| plan.key.as_str()).collect();
        format!("there is no plan {}; there is: {}", arguments.plan, keys.join(", "))
    })?;
    let question = arguments.question(plan);
    if question.since >= question.until {
        return Err("--since must come before --until".into());
    }
    let (outcome, people) = simulate(&Db::new(&DatabaseConfig::from_env(env)?), &question).await?;
    Ok(std::io::stdout().write_all(text(&question, &outcome, people)?.as_bytes())?)
}

impl SimulateArguments {
    fn question(&self, plan: &Plan) -> Question {
        let tokens_per_minute = self.tokens_per_minute.unwrap_or(plan.tokens_per_minute.into());
        let start = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
        Question {
            plan: plan.key.clone(),
            limits: Limits {
                requests_per_minute: self.requests_per_minute.unwrap_or(plan.requests_per_minute),
                requests_per_day: self.requests_per_day.unwrap_or(plan.requests_per_day),
                tokens_per_minute: Some(tokens_per_minute).filter(|limit| *limit > 0),
                concurrent_replies: self.concurrent_replies.unwrap_or(plan.concurrent_replies),
                monthly_credit: self
                    .monthly_credit_cents
                    .map_or(plan.monthly_credit, |cents| Nanos::from_cents(cents.into())),
            },
            since: start(self.since),
            until: self.until.map_or_else(Utc::now, start),
        }
    }
}

fn text(question: &Question, outcome: &Outcome, people: i64) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    let (refused, mut all) = (outcome.all_refused(), outcome.admitted);
    all += refused;
    let Question { plan, since, until, .. } = question;
    writeln!(text, "Plan {plan}, from {} until {} (UTC)", minute(*since), minute(*until))?;
    writeln!(text, "Limits: {}", limits_text(&question.limits))?;
    writeln!(text, "The replay knows only requests that were admitted at the time.\n")?;
    writeln!(
        text,
        "Stopped at least once: {} of {} accounts, {people} people\n\
         Refused: {} of {} requests, {}\n",
        outcome.stopped.len(),
        outcome.accounts,
        refused.requests,
        all.requests,
        percent(refused.requests, all.requests),
    )?;
    write!(text, "{}", tally_table(outcome, refused, all))?;
    if !outcome.stopped.is_empty() {
        write!(text, "\nMost often stopped\n{}", accounts_table(&outcome.stopped))?;
    }
    Ok(text)
}

fn limits_text(limits: &Limits) -> String {
    let tokens = limits.tokens_per_minute.map_or_else(|| "any number of".to_owned(), |n| n.to_string());
    format!(
        "{} concurrent replies, {} requests per minute, {} requests per day, {tokens} tokens per minute, \
         {} monthly credit",
        limits.concurrent_replies, limits.requests_per_minute, limits.requests_per_day, limits.monthly_credit
    )
}

fn tally_table(outcome: &Outcome, refused: Tally, all: Tally) -> Table<5> {
    let row = |name: String, tally: Tally| {
        [
            name,
            tally.requests.to_string(),
            percent(tally.requests, all.requests),
            tally.charged.to_string(),
            tally.cost.to_string(),
        ]
    };
    Table::new([
        ("", Align::Left),
        ("requests", Align::Right),
        ("share", Align::Right),
        ("charged", Align::Right),
        ("our cost", Align::Right),
    ])
    .with([row("as it was".to_owned(), all), row("admitted".to_owned(), outcome.admitted)])
    .with([row("refused".to_owned(), refused)])
    .with(outcome.refused.iter().map(|(refusal, tally)| row(format!("  by {refusal}"), *tally)))
}

fn accounts_table(stopped: &[StoppedAccount]) -> Table<4> {
    Table::new([
        ("account", Align::Left),
        ("requests", Align::Right),
        ("refused", Align::Right),
        ("share", Align::Right),
    ])
    .with(stopped.iter().take(LISTED_ACCOUNTS).map(|account| {
        [
            account.id.to_string(),
            account.requests.to_string(),
            account.refused.to_string(),
            percent(account.refused, account.requests),
        ]
    }))
}

fn minute(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M").to_string()
}

/// With one decimal, rounded half up.
fn percent(part: u64, whole: u64) -> String {
    let whole = u128::from(whole.max(1));
    let tenths = (u128::from(part) * 1000 + whole / 2) / whole;
    format!("{}.{} %", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn shares_have_one_decimal() {
        assert_eq!(percent(1, 3), "33.3 %");
        assert_eq!(percent(2, 3), "66.7 %");
        assert_eq!(percent(0, 0), "0.0 %");
    }
}
