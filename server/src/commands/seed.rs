//! A database full of people who never were, to develop and to measure with.

use std::error::Error;

use app::types::Interval;
use serde_json::{Value, json};

use crate::config::{DatabaseConfig, Env, PlansConfig};
use crate::services::day_totals::DayTotals;
use crate::store::Db;
use crate::store::seed::{self, Seed};

/// What there is in the end is told by `plumbline audit` and by the admin panel.
#[derive(Clone, Debug, clap::Args)]
pub struct SeedArguments {
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    people: u32,
    /// Replies, each with its usage record; about so many
    #[arg(long, value_name = "N", default_value_t = 5_000_000)]
    records: u64,
    /// The first person came so many days ago
    #[arg(long, value_name = "N", default_value_t = 400)]
    days: u32,
    /// Also when there are people already
    #[arg(long)]
    beside_people: bool,
}

pub(super) async fn run(arguments: SeedArguments, env: &Env) -> Result<(), Box<dyn Error>> {
    let plans = PlansConfig::from_env(env)?;
    let db = Db::new(&DatabaseConfig::from_env(env)?);
    let SeedArguments { people, records, days, beside_people } = arguments;
    let mut conn = db.get().await?;
    if seed::has_people(&mut conn).await? && !beside_people {
        return Err("there are people in this database; --beside-people adds made-up ones to them".into());
    }
    if !seed::has_models(&mut conn).await? {
        return Err("there is no model in this database; run plumbline apply-catalog first".into());
    }
    tracing::info!(people, records, days, "Making people and their past; it takes minutes");
    seed::make(&mut conn, &Seed { people, records, days, plans: to_json(&plans) }).await?;
    seed::vacuum(&mut conn).await?;
    drop(conn);
    tracing::info!("Adding up the days for the admin panel");
    let totals = DayTotals::new(db.clone());
    let mut added_up = 0;
    // Until only those are left that may still change.
    loop {
        let count = totals.bring_up_to_date().await?;
        added_up += count;
        if count <= OPEN_DAYS {
            break;
        }
    }
    // The sums, too, are to be planned with.
    seed::vacuum(&mut *db.get().await?).await?;
    tracing::info!(days = added_up, "Done");
    Ok(())
}

/// Today and yesterday are added up again each time.
const OPEN_DAYS: usize = 2;

fn to_json(plans: &PlansConfig) -> Value {
    let cents = |paid: &crate::config::PaidPlan, interval| {
        paid.price(interval).or(paid.prices.first()).map_or(0, |price| price.amount_cents)
    };
    let free = json!({
        "key": plans.free.key, "is_free": true, "credit_nanos": plans.free.monthly_credit,
        "month_cents": 0, "year_cents": 0,
    });
    let paid = plans.paid.iter().map(|paid| {
        json!({
            "key": paid.plan.key, "is_free": false, "credit_nanos": paid.plan.monthly_credit,
            "month_cents": cents(paid, Interval::Month), "year_cents": cents(paid, Interval::Year),
        })
    });
    std::iter::once(free).chain(paid).collect()
}
