use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{ConfigError, Env};

/// How people pay. Without a key of Stripe's nothing can be bought, and the product says so.
#[derive(Clone, Debug)]
pub struct BillingConfig {
    pub stripe: Option<StripeConfig>,
}

/// The account at Stripe.
#[derive(Clone, Debug)]
pub struct StripeConfig {
    /// Read from `STRIPE_SECRET_KEY`: `sk_live_…`, `rk_live_…`, or of a test mode. Live events are taken with a live key
    /// only.
    pub secret_key: SecretString,
    /// Read from `STRIPE_API_URL`. Default <https://api.stripe.com/>.
    pub api_url: Url,
    /// Read from `STRIPE_WEBHOOK_SECRETS`, separated by commas: while a secret is replaced, both.
    pub webhook_secrets: Vec<SecretString>,
}

impl BillingConfig {
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let Some(secret_key) = env.secret("STRIPE_SECRET_KEY") else { return Ok(Self { stripe: None }) };
        let secrets = env.required_secret("STRIPE_WEBHOOK_SECRETS")?;
        let secrets = secrets.expose_secret().split(',').map(str::trim).filter(|secret| !secret.is_empty());
        Ok(Self {
            stripe: Some(StripeConfig {
                secret_key,
                api_url: env.url_or("STRIPE_API_URL", "https://api.stripe.com/")?,
                webhook_secrets: secrets.map(Into::into).collect(),
            }),
        })
    }
}
