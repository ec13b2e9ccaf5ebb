//! Whether Stripe tells us everything that happens, in words we know.

use std::fmt;

use url::Url;

use super::WEBHOOK_PATH;
use crate::AppResult;
use crate::providers::stripe::{Stripe, WEBHOOK_EVENTS, WebhookEndpoint, api_version};

/// What is not as it should be with the webhook endpoint at Stripe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndpointFault {
    Missing { url: String },
    Disabled { id: String },
    Version { id: String, there: String },
    Events { id: String, missing: Vec<&'static str> },
}

impl EndpointFault {
    /// Something is there, but wrong. Where nothing is, Stripe's command line may bring the events.
    pub fn is_wrong(&self) -> bool {
        !matches!(self, Self::Missing { .. })
    }
}

/// A line for operators.
impl fmt::Display for EndpointFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let here = api_version();
        match self {
            Self::Missing { url } => {
                let events = WEBHOOK_EVENTS.join(", ");
                write!(
                    f,
                    "there is no webhook endpoint at {url}: make one with API version {here} for {events}"
                )
            }
            Self::Disabled { id } => write!(f, "the webhook endpoint {id} is disabled"),
            Self::Version { id, there } => {
                write!(f, "the webhook endpoint {id} has API version {there}, not {here}: make another one")
            }
            Self::Events { id, missing } => {
                write!(f, "the webhook endpoint {id} is not told of {}", missing.join(", "))
            }
        }
    }
}

/// Compares the endpoints of ours at Stripe with what they should be. Nothing is changed: a new one has a new secret.
pub async fn check_endpoint(stripe: &Stripe, public_url: &Url) -> AppResult<Vec<EndpointFault>> {
    let url = format!("{}{WEBHOOK_PATH}", public_url.as_str().trim_end_matches('/'));
    let ours: Vec<_> =
        stripe.list_webhook_endpoints().await?.into_iter().filter(|endpoint| endpoint.url == url).collect();
    if ours.is_empty() {
        return Ok(vec![EndpointFault::Missing { url }]);
    }
    Ok(ours.iter().flat_map(faults).collect())
}

fn faults(endpoint: &WebhookEndpoint) -> Vec<EndpointFault> {
    let mut faults = Vec::new();
    let id = || endpoint.id.clone();
    if !endpoint.is_enabled {
        faults.push(EndpointFault::Disabled { id: id() });
    }
    if endpoint.api_version.as_ref() != Some(&api_version()) {
        let there = endpoint.api_version.clone().unwrap_or_else(|| "of the account".to_owned());
        faults.push(EndpointFault::Version { id: id(), there });
    }
    let is_told = |wanted: &str| endpoint.events.iter().any(|event| event == "*" || event == wanted);
    let missing: Vec<_> = WEBHOOK_EVENTS.into_iter().filter(|wanted| !is_told(wanted)).collect();
    if !missing.is_empty() {
        faults.push(EndpointFault::Events { id: id(), missing });
    }
    faults
}
