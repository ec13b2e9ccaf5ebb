//! Bringing Stripe's products and prices in line with the plans, told in plain text.

use std::error::Error;
use std::io::Write as _;

use crate::config::{BillingConfig, Env, PlansConfig};
use crate::providers::stripe::Stripe;
use crate::services::billing::sync_prices;

#[derive(Clone, Debug, clap::Subcommand)]
pub enum StripeCommand {
    /// Make the products and prices that Stripe lacks, and say what differs: exit status 0 only when nothing does
    Sync {
        /// Replace prices that differ: subscriptions that run keep the old one
        #[arg(long)]
        replace: bool,
    },
}

pub(super) async fn run(command: StripeCommand, env: &Env) -> Result<(), Box<dyn Error>> {
    let StripeCommand::Sync { replace } = command;
    let config = BillingConfig::from_env(env)?.stripe.ok_or("STRIPE_SECRET_KEY is not set")?;
    let stripe = Stripe::new(&config)?;
    let differences = sync_prices(&stripe, &PlansConfig::from_env(env)?, replace).await?;
    let mut out = std::io::stdout();
    for difference in &differences {
        writeln!(out, "{difference}")?;
    }
    let remaining = differences.iter().filter(|difference| difference.remains()).count();
    if remaining > 0 {
        return Err(format!("{remaining} prices differ; --replace makes new ones in their place").into());
    }
    if differences.is_empty() {
        writeln!(out, "Stripe has every product and price as the plans say")?;
    }
    Ok(())
}
