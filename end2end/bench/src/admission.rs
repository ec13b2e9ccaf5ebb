//! `bin/bench admission`: what it takes to let a request in and to settle its reply, against the least it could take.

mod floor;
mod people;
mod product;
mod rounds;

use std::time::Duration;

use server::AppState;
use server::config::{Config, Env};

use self::floor::Floor;
use self::people::{Crowd, People};
use self::product::Product;
use self::rounds::{Figures, measure};
use crate::{NO_LIMITS, Result, say, setting};

/// How long one request took.
#[derive(Clone, Copy, Debug)]
pub struct Served {
    pub admission: Duration,
    pub settlement: Duration,
}

/// Measures letting requests in and settling their replies
///
/// Inside this program, without HTTP and without a model. `admission` is from the session's token to the claimed reply:
/// session, duplicate and plan, limiter, then the transaction that claims the request and sets its money aside. `settlement`
/// is the limiter's end of the reply and the transaction that saves the answer and posts its charge.
///
/// The floor does the same for Redis and PostgreSQL with nothing in between: one call of a script, then one statement that
/// writes the rows of a claim and one that writes the rows of a settlement, each its own transaction, nothing read, nothing
/// checked, no rule applied. Both share a number of connections and take turns, a few seconds each.
///
/// `many` spreads the requests over many accounts, `hot` sends all of them for one. Each figure is the median over the
/// rounds; its name ends with the crowd and the number of requests at a time. The last line of the output has them all.
#[derive(clap::Args)]
pub struct Arguments {
    /// Requests at a time; can be given several times
    #[arg(long = "concurrency", value_name = "REQUESTS", default_values_t = [1, 8, 64])]
    concurrencies: Vec<usize>,
    /// How many accounts are many
    #[arg(long, default_value_t = 10_000)]
    accounts: u32,
    /// How often each is measured
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// How long each round of each takes
    #[arg(long, default_value_t = 3)]
    seconds: u64,
}

pub async fn run(arguments: &Arguments) -> Result<()> {
    let no_limits = NO_LIMITS.map(|(variable, value)| (variable.to_owned(), value.to_owned()));
    let env: Env = std::env::vars().chain(no_limits).collect();
    let config = Config::from_env(&env)?;
    let connections = config.database.pool_size;
    let people = People::arrive(&setting("DATABASE_URL")?, arguments.accounts).await?;
    let product = Product::new(AppState::new(config)?);
    let floor = Floor::connect(&setting("DATABASE_URL")?, &setting("REDIS_URL")?, connections).await?;
    say(&format!("{} accounts, {connections} connections, fsync {}", people.len(), people.fsync()));

    let time = Duration::from_secs(arguments.seconds);
    // Tables that were empty a moment ago have plans that suit nothing that comes later.
    measure(time, 8, async || floor.serve(people.pick(Crowd::Many)?).await).await?;
    measure(time, 8, async || product.serve(people.pick(Crowd::Many)?).await).await?;
    let mut figures = Figures::default();
    for round in 1..=arguments.rounds {
        for crowd in [Crowd::Many, Crowd::Hot] {
            for &concurrency in &arguments.concurrencies {
                people.vacuum().await?;
                let least =
                    measure(time, concurrency, async || floor.serve(people.pick(crowd)?).await).await?;
                let ours =
                    measure(time, concurrency, async || product.serve(people.pick(crowd)?).await).await?;
                let name = format!("{crowd}_{concurrency}");
                say(&format!("round {round}, {name}: {ours}; floor: {least}"));
                figures.add(&name, &ours, &least);
            }
        }
    }
    say(&figures.to_string());
    Ok(())
}
