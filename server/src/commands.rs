//! What the binary can be told to do.

mod admin;
mod audit;
mod connections;
mod jobs;
mod ledger;
mod metrics;
mod reconcile;
mod seed;
mod serve;
mod simulate;
mod stripe;
mod table;
mod usage;
mod work;

use std::error::Error;
use std::process::ExitCode;

use self::admin::AdminCommand;
use self::jobs::JobsCommand;
use self::ledger::LedgerCommand;
use self::reconcile::ReconcileArguments;
use self::seed::SeedArguments;
use self::simulate::SimulateArguments;
use self::stripe::StripeCommand;
use self::usage::UsageCommand;
use crate::config::{CatalogConfig, Config, DatabaseConfig, Env, LogConfig, SentryConfig, TracesConfig};
use crate::telemetry;

#[derive(Clone, Debug, clap::Subcommand)]
pub enum Command {
    /// Serve the application, and run jobs beside it, until SIGTERM or Ctrl-C
    Serve {
        /// Leave the jobs to processes of their own: `plumbline work`
        #[arg(long)]
        without_worker: bool,
    },
    /// Only run jobs, until SIGTERM or Ctrl-C
    Work,
    /// Bring the database schema up to date
    Migrate,
    /// Bring the model catalog in line with the file that MODEL_CATALOG names
    ApplyCatalog,
    /// Check that the money adds up: a line for each invariant, and exit status 0 only when all hold
    Audit,
    /// Compare holds, ledger, Stripe's meter and what providers say we used: exit status 0 only when all agree
    Reconcile(ReconcileArguments),
    /// Bring in what others say we used
    #[command(subcommand)]
    Usage(UsageCommand),
    /// Look into the books of an account
    #[command(subcommand)]
    Ledger(LedgerCommand),
    /// Look after the queue of jobs
    #[command(subcommand)]
    Jobs(JobsCommand),
    /// Look after the account at Stripe
    #[command(subcommand)]
    Stripe(StripeCommand),
    /// Decide who may open the admin panel
    #[command(subcommand)]
    Admin(AdminCommand),
    /// Replay what was used against other limits: who would have been stopped, and what it would have cost
    Simulate(SimulateArguments),
    /// Fill a database of developers with people who never were, and a past that adds up
    Seed(SeedArguments),
}

impl Command {
    /// Runs to the end; a failure is told on standard error.
    pub fn run(self) -> ExitCode {
        // Several crates bring rustls without choosing how it computes; the choice is made here, once.
        rustls::crypto::ring::default_provider().install_default().ok();
        match self.start() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                #[expect(clippy::print_stderr, reason = "the log may be what failed to start")]
                {
                    eprintln!("plumbline: {error}");
                }
                ExitCode::FAILURE
            }
        }
    }

    fn start(self) -> Result<(), Box<dyn Error>> {
        let env = Env::of_process();
        let (log, sentry) = (LogConfig::from_env(&env)?, SentryConfig::from_env(&env)?);
        let _telemetry = telemetry::start(&log, &sentry, &TracesConfig::from_env(&env)?)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        match self {
            Self::Serve { without_worker } => {
                runtime.block_on(serve::serve(Config::from_env(&env)?, !without_worker))
            }
            Self::Work => runtime.block_on(work::work(Config::from_env(&env)?)),
            Self::ApplyCatalog => runtime.block_on(apply_catalog(&env)),
            Self::Audit => runtime.block_on(audit::run(&DatabaseConfig::from_env(&env)?)),
            Self::Reconcile(arguments) => runtime.block_on(reconcile::run(arguments, &env)),
            Self::Usage(command) => runtime.block_on(usage::run(command, &DatabaseConfig::from_env(&env)?)),
            Self::Ledger(command) => runtime.block_on(ledger::run(command, &DatabaseConfig::from_env(&env)?)),
            Self::Jobs(command) => runtime.block_on(jobs::run(command, &DatabaseConfig::from_env(&env)?)),
            Self::Stripe(command) => runtime.block_on(stripe::run(command, &env)),
            Self::Admin(command) => runtime.block_on(admin::run(command, &DatabaseConfig::from_env(&env)?)),
            Self::Seed(arguments) => runtime.block_on(seed::run(arguments, &env)),
            Self::Simulate(arguments) => runtime.block_on(simulate::run(arguments, &env)),
            Self::Migrate => runtime.block_on(migrate(&DatabaseConfig::from_env(&env)?)),
        }
    }
}

async fn apply_catalog(env: &Env) -> Result<(), Box<dyn Error>> {
    let catalog = CatalogConfig::from_env(env)?;
    crate::apply_catalog(&DatabaseConfig::from_env(env)?, &catalog).await?;
    tracing::info!(models = catalog.models.len(), "The model catalog is as its file says");
    Ok(())
}

async fn migrate(config: &DatabaseConfig) -> Result<(), Box<dyn Error>> {
    let applied = crate::migrate(config).await?;
    tracing::info!(
        versions = applied.join(", "),
        "Database schema is up to date, {} migrations applied",
        applied.len()
    );
    Ok(())
}
