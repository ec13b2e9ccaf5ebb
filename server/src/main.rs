//! `plumbline`: reads what to do from the command line and does it.

use std::process::ExitCode;

use clap::Parser;
use server::commands::Command;

/// An AI SaaS that holds up in production.
#[derive(Parser)]
#[command(name = "plumbline", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    Arguments::parse().command.run()
}
