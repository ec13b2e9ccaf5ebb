//! Stripe. The only code that knows `async-stripe`: what goes up from here is ours, so that nothing above depends on a
//! version of Stripe's API.

mod convert;
mod meter;
mod objects;
mod read;
mod webhook;
mod write;

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use stripe::{Client, ClientBuilder, RequestStrategy};
use stripe_shared::ApiErrorsType;
use url::Url;

pub use self::meter::{UNIT_CENTS, Usage};
pub use self::objects::{
    Charge, Checkout, CheckoutState, Customer, Event, Invoice, InvoiceLine, MeteredItem, MeteredPrice,
    MoneyBack, PendingUpdate, Price, Schedule, Subscription, SubscriptionStatus, WebhookEndpoint,
};
pub use self::webhook::{BadWebhook, WEBHOOK_EVENTS, api_version};
pub use self::write::{CheckoutRequest, NewPrice};
use crate::config::StripeConfig;

/// No answer of Stripe's is worth waiting for longer, be it in a request or in a job.
const TIMEOUT: Duration = Duration::from_secs(20);

const CONFIRM: &str =
    "Your bank wants every payment of this card confirmed. Use another card, then try again.";

/// Stripe's API, as one account sees it. Cheap to clone.
#[derive(Clone)]
pub struct Stripe {
    client: Client,
    webhook_secrets: Arc<[SecretString]>,
    api_url: Url,
    is_live: bool,
}

/// Why Stripe did not do something. The texts are for logs and hold no secrets, but for that of a refused payment.
#[derive(Debug, thiserror::Error)]
pub enum StripeError {
    /// The bank or the card does not allow it. The text is Stripe's, for the person who pays.
    #[error("the payment was refused: {0}")]
    PaymentRefused(String),
    /// There is no such object.
    #[error("Stripe has no such object: {0}")]
    NotFound(String),
    /// It must not be asked like this, or not now.
    #[error("Stripe refused the request: {0}")]
    Refused(String),
    /// Trying again may help.
    #[error("Stripe is unavailable: {0}")]
    Unavailable(String),
}

pub type StripeResult<T> = Result<T, StripeError>;

impl Stripe {
    /// # Errors
    /// When the key or the address makes no sense.
    pub fn new(config: &StripeConfig) -> Result<Self, StripeError> {
        let key = config.secret_key.expose_secret();
        let mut url = config.api_url.to_string();
        if !url.ends_with('/') {
            url.push('/');
        }
        let client =
            ClientBuilder::new(key).url(url).timeout(TIMEOUT).request_strategy(RequestStrategy::Once);
        Ok(Self {
            client: client.build()?,
            webhook_secrets: config.webhook_secrets.clone().into(),
            api_url: config.api_url.clone(),
            is_live: key.contains("_live_"),
        })
    }

    /// The sites of its pages, which forms of ours lead to.
    pub fn page_origins(&self) -> Vec<String> {
        match self.api_url.host_str() {
            Some("api.stripe.com") => {
                ["checkout", "billing", "invoice"].map(|page| format!("https://{page}.stripe.com")).into()
            }
            _ => vec![self.api_url.origin().ascii_serialization()],
        }
    }

    /// Where Stripe's dashboard shows a customer. None: this is not Stripe's own API, so there is no dashboard.
    pub fn customer_page(&self, customer_id: &str) -> Option<String> {
        let mode = if self.is_live { "" } else { "test/" };
        let is_stripe = self.api_url.host_str() == Some("api.stripe.com");
        is_stripe.then(|| format!("https://dashboard.stripe.com/{mode}customers/{customer_id}"))
    }
}

impl From<stripe::StripeError> for StripeError {
    fn from(error: stripe::StripeError) -> Self {
        match error {
            stripe::StripeError::Stripe(error, status) => {
                let code = error.code.as_ref().map(|code| code.as_str().to_owned()).unwrap_or_default();
                let message = error.message.unwrap_or_default();
                match (error.type_, status) {
                    // Stripe's own words for this are for programmers.
                    (_, 402) if code.ends_with("requires_action") => Self::PaymentRefused(CONFIRM.to_owned()),
                    (ApiErrorsType::CardError, _) | (_, 402) => Self::PaymentRefused(message),
                    (_, 404) => Self::NotFound(message),
                    (_, 409 | 429 | 500..) => Self::Unavailable(format!("{status} {code}")),
                    _ => Self::Refused(format!("{status} {code}: {message}")),
                }
            }
            other => Self::Unavailable(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(key: &str, api_url: &str) -> Option<String> {
        let config = StripeConfig {
            secret_key: key.to_owned().into(),
            api_url: api_url.parse().expect("a URL"),
            webhook_secrets: Vec::new(),
        };
        Stripe::new(&config).expect("it makes sense").customer_page("cus_1")
    }

    #[test]
    fn a_customers_page_is_in_the_dashboard_of_the_keys_mode() {
        let test = Some("https://dashboard.stripe.com/test/customers/cus_1".to_owned());
        let live = Some("https://dashboard.stripe.com/customers/cus_1".to_owned());
        for (key, expected) in
            [("sk_test_1", &test), ("rk_test_1", &test), ("sk_live_1", &live), ("rk_live_1", &live)]
        {
            assert_eq!(page(key, "https://api.stripe.com/"), *expected, "{key}");
        }
        assert_eq!(page("sk_test_1", "http://127.0.0.1:4010/stripe/"), None, "a stand-in has no dashboard");
    }
}
