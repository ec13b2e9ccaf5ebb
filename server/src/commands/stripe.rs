//! Looking after the account at Stripe: its products and prices, and what its meter has refused.

use std::error::Error;
use std::io::Write as _;

use app::types::AuditKind;
use uuid::Uuid;

use crate::config::{BillingConfig, DatabaseConfig, Env, PlansConfig, ServerConfig};
use crate::providers::stripe::Stripe;
use crate::services::billing::{EndpointFault, check_endpoint, sync_prices};
use crate::store::audit::NewAuditEvent;
use crate::store::{Db, meter_events};

#[derive(Clone, Debug, clap::Subcommand)]
pub enum StripeCommand {
    /// Make the products and prices that Stripe lacks, look at the webhook endpoint, and say what differs: exit status 0
    /// only when nothing does
    Sync {
        /// Replace prices that differ: subscriptions that run keep the old one
        #[arg(long)]
        replace: bool,
    },
    /// Let pay-as-you-go usage that Stripe's meter has refused be sent again
    Resend {
        /// The ledger entry, as the log and the table say it
        id: Uuid,
    },
}

pub(super) async fn run(command: StripeCommand, env: &Env) -> Result<(), Box<dyn Error>> {
    match command {
        StripeCommand::Sync { replace } => sync(replace, env).await,
        StripeCommand::Resend { id } => resend(id, &DatabaseConfig::from_env(env)?).await,
    }
}

async fn sync(replace: bool, env: &Env) -> Result<(), Box<dyn Error>> {
    let config = BillingConfig::from_env(env)?.stripe.ok_or("STRIPE_SECRET_KEY is not set")?;
    let stripe = Stripe::new(&config)?;
    let differences = sync_prices(&stripe, &PlansConfig::from_env(env)?, replace).await?;
    let mut out = std::io::stdout();
    for difference in &differences {
        writeln!(out, "{difference}")?;
    }
    if differences.is_empty() {
        writeln!(out, "Stripe has every product and price as the plans say")?;
    }
    let faults = check_endpoint(&stripe, &ServerConfig::from_env(env)?.public_url).await?;
    for fault in &faults {
        writeln!(out, "{fault}")?;
    }
    if faults.is_empty() {
        writeln!(out, "The webhook endpoint is as it should be")?;
    }
    let remaining = differences.iter().filter(|difference| difference.remains()).count();
    if remaining > 0 {
        return Err(format!("{remaining} prices differ; --replace makes new ones in their place").into());
    }
    match faults.iter().any(EndpointFault::is_wrong) {
        true => Err("the webhook endpoint is to be changed at Stripe".into()),
        false => Ok(()),
    }
}

async fn resend(id: Uuid, config: &DatabaseConfig) -> Result<(), Box<dyn Error>> {
    let by = NewAuditEvent { detail: "on the command line", ..NewAuditEvent::new(AuditKind::UsageResent) };
    if !meter_events::revive(&mut *Db::new(config).get().await?, id, by).await? {
        return Err(format!("{id} is nothing that Stripe's meter has refused").into());
    }
    Ok(writeln!(std::io::stdout(), "{id} will be sent again")?)
}
