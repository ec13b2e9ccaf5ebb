//! The four-way check, in plain text.

use std::error::Error;
use std::io::Write;

use app::types::Days;
use chrono::{NaiveDate, Utc};

use crate::config::{Config, Env};
use crate::services::four_way::FourWayCheck;
use crate::state::AppState;
use crate::store::reconciliations::COMPARED_DAYS;

#[derive(Clone, Debug, clap::Args)]
pub struct ReconcileArguments {
    /// The first day, in UTC. Default: seven days ago
    #[arg(long)]
    from: Option<NaiveDate>,
    /// The last day, in UTC. Default: yesterday
    #[arg(long)]
    to: Option<NaiveDate>,
}

/// Prints a line for each comparison. An error when one differs.
pub(super) async fn run(arguments: ReconcileArguments, env: &Env) -> Result<(), Box<dyn Error>> {
    let usual = Days::before(Utc::now(), COMPARED_DAYS);
    let last = arguments.to.unwrap_or(usual.last);
    let days = Days { first: arguments.from.unwrap_or(usual.first.min(last)), last };
    if days.first > days.last || (days.last - days.first).num_days() >= 100 {
        return Err("the days must be in order, and at most a hundred".into());
    }
    let check: FourWayCheck = AppState::new(Config::from_env(env)?)?.four_way_check();
    let report = check.record(days).await?;
    let mut stdout = std::io::stdout();
    for line in &report {
        writeln!(stdout, "{line}")?;
    }
    match report.iter().filter(|line| !line.agrees()).count() {
        0 => Ok(()),
        differing => {
            let all = report.len();
            Err(format!("{differing} of {all} comparisons differ (see docs/operating.md)").into())
        }
    }
}
