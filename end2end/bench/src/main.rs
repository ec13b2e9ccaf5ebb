//! `bench`: measures what the product adds to what it passes on, and what that costs. Started by `bin/bench`, which
//! brings PostgreSQL, Redis, the sandbox and the settings.

mod admin;
mod admission;
mod clock;
mod database;
mod person;
mod process;
mod redis_server;
mod script;
mod server;
mod stats;
mod stream;
mod telemetry;
mod upstream;

use std::error::Error;

use clap::{Parser, Subcommand};
use tokio::runtime::Builder;

/// Any failure ends the benchmark; it is told and nothing else is done about it.
type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Measures the product on this machine.
#[derive(Parser)]
#[command(bin_name = "bin/bench")]
struct Arguments {
    #[command(subcommand)]
    benchmark: Benchmark,
}

#[derive(Subcommand)]
enum Benchmark {
    Admin(admin::Arguments),
    Admission(admission::Arguments),
    Stream(stream::Arguments),
    Telemetry(telemetry::Arguments),
}

/// Settings with which no limit of the plan is met.
const NO_LIMITS: [(&str, &str); 5] = [
    ("FREE_REQUESTS_PER_MINUTE", "10000000"),
    ("FREE_REQUESTS_PER_DAY", "10000000"),
    ("FREE_TOKENS_PER_MINUTE", "2000000000"),
    ("FREE_CONCURRENT_REPLIES", "100000"),
    ("FREE_MONTHLY_CREDIT_CENTS", "1000000"),
];

fn main() -> Result<()> {
    rustls::crypto::ring::default_provider().install_default().ok();
    let (one_thread, threads) = (Builder::new_current_thread, Builder::new_multi_thread);
    match Arguments::parse().benchmark {
        Benchmark::Admin(arguments) => one_thread().enable_all().build()?.block_on(admin::run(&arguments)),
        // Runs what it measures, as the server does.
        Benchmark::Admission(arguments) => {
            threads().enable_all().build()?.block_on(admission::run(&arguments))
        }
        Benchmark::Stream(arguments) => one_thread().enable_all().build()?.block_on(stream::run(&arguments)),
        Benchmark::Telemetry(arguments) => {
            one_thread().enable_all().build()?.block_on(telemetry::run(&arguments))
        }
    }
}

/// One line of the results, at once.
fn say(line: &str) {
    #[expect(clippy::print_stdout, reason = "the results are this program's output")]
    {
        println!("{line}");
    }
}

/// A variable that `bin/bench` sets.
fn setting(name: &str) -> Result<String> {
    std::env::var(name).map_err(|_| format!("{name} is not set: run bin/bench").into())
}
