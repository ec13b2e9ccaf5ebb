//! What Stripe tells us by itself.

use chrono::DateTime;
use secrecy::ExposeSecret;
use serde_json::Value;
use sha2::{Digest, Sha256};
use stripe_webhook::{Webhook, WebhookError};

use super::{Event, Stripe};

/// What we must be told of. Other events do no harm.
pub const WEBHOOK_EVENTS: [&str; 22] = [
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.expired",
    "customer.subscription.created",
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "customer.subscription.resumed",
    "customer.subscription.trial_will_end",
    "customer.updated",
    "customer.deleted",
    "invoice.paid",
    "invoice.payment_failed",
    "invoice.payment_action_required",
    "invoice.finalized",
    "invoice.voided",
    "charge.refunded",
    "charge.dispute.created",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.closed",
    "refund.updated",
    "refund.failed",
];

/// The version of Stripe's API that we speak, and that events are to have.
pub fn api_version() -> String {
    stripe_shared::version::VERSION.as_str().to_owned()
}

/// A message that is not taken. The texts are for logs.
#[derive(Debug, thiserror::Error)]
pub enum BadWebhook {
    #[error("its signature is not of any secret we know, or too old")]
    Signature,
    #[error("it is of the other mode than our key, live or test")]
    OtherMode,
}

impl Stripe {
    /// The event in a message that one of our secrets has signed within the last five minutes. Its shape does not
    /// matter: whatever Stripe sends is an event.
    ///
    /// # Errors
    /// When it was not signed like that, or is of the other mode.
    pub fn verify(&self, body: &str, signature: &str) -> Result<Event, BadWebhook> {
        let is_signed = self.webhook_secrets.iter().any(|secret| {
            // Looks at the signature first, and at the shape only then.
            match Webhook::construct_event(body, signature, secret.expose_secret()) {
                Ok(_) | Err(WebhookError::BadParse(_)) => true,
                Err(_) => false,
            }
        });
        if !is_signed {
            return Err(BadWebhook::Signature);
        }
        let payload = serde_json::from_str(body).unwrap_or_else(|_| Value::String(body.to_owned()));
        let event = Event::from_payload(payload);
        match event.is_live {
            Some(is_live) if is_live != self.is_live => Err(BadWebhook::OtherMode),
            // Each mode has secrets of its own.
            _ => Ok(Event { is_live: Some(self.is_live), ..event }),
        }
    }
}

impl Event {
    /// As much as a message says. One without an id is known by what it says, and concerns nobody.
    pub fn from_payload(payload: Value) -> Self {
        let text = |value: &Value, name: &str| Some(value.get(name)?.as_str()?.to_owned());
        let id = text(&payload, "id");
        let object = payload.pointer("/data/object").filter(|_| id.is_some()).unwrap_or(&Value::Null);
        let id_of = |name: &str| match object.get(name)? {
            Value::String(id) => Some(id.clone()),
            expanded => text(expanded, "id"),
        };
        let is_customer = object.get("object").and_then(Value::as_str) == Some("customer");
        Self {
            kind: text(&payload, "type").unwrap_or_else(|| "unknown".to_owned()),
            api_version: text(&payload, "api_version"),
            is_live: payload.get("livemode").and_then(Value::as_bool),
            created_at: payload
                .get("created")
                .and_then(Value::as_i64)
                .and_then(|seconds| DateTime::from_timestamp(seconds, 0)),
            customer_id: if is_customer { text(object, "id") } else { id_of("customer") },
            charge_id: id_of("charge"),
            id: id.unwrap_or_else(|| format!("unnamed_{:x}", Sha256::digest(payload.to_string()))),
            payload,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(object: &Value) -> Event {
        let payload = json!({"id": "evt_1", "type": "a.b", "livemode": false, "data": {"object": object}});
        Event::from_payload(payload)
    }

    #[test]
    fn whom_an_event_concerns_is_found_in_objects_of_every_kind() {
        for (object, customer, charge) in [
            (json!({"object": "subscription", "id": "sub_1", "customer": "cus_1"}), Some("cus_1"), None),
            (json!({"object": "customer", "id": "cus_1"}), Some("cus_1"), None),
            (
                json!({"object": "invoice", "customer": {"object": "customer", "id": "cus_1"}}),
                Some("cus_1"),
                None,
            ),
            (json!({"object": "dispute", "id": "du_1", "charge": "ch_1"}), None, Some("ch_1")),
            (json!({"object": "refund", "charge": {"id": "ch_1"}, "customer": null}), None, Some("ch_1")),
            (json!({"object": "price", "id": "price_1"}), None, None),
        ] {
            let event = event(&object);
            assert_eq!(
                (event.customer_id.as_deref(), event.charge_id.as_deref()),
                (customer, charge),
                "{object}"
            );
        }
    }
}
