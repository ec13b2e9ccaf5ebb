//! What Stripe tells us by itself.

use secrecy::ExposeSecret;
use serde_json::Value;
use stripe_webhook::{Webhook, WebhookError};

use super::{Event, Stripe};

/// A message that is not taken. The texts are for logs.
#[derive(Debug, thiserror::Error)]
pub enum BadWebhook {
    #[error("its signature is not of any secret we know, or too old")]
    Signature,
    #[error("it is no event")]
    NoEvent,
    #[error("it is of the other mode than our key, live or test")]
    OtherMode,
}

impl Stripe {
    /// The event in a message that one of our secrets has signed within the last five minutes. Its shape does not
    /// matter: also what a newer version of the API sends is an event.
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
        let event =
            serde_json::from_str(body).ok().and_then(Event::from_payload).ok_or(BadWebhook::NoEvent)?;
        if event.is_live != self.is_live {
            return Err(BadWebhook::OtherMode);
        }
        Ok(event)
    }
}

impl Event {
    /// None: it is no event.
    pub fn from_payload(payload: Value) -> Option<Self> {
        let text = |value: &Value, name: &str| Some(value.get(name)?.as_str()?.to_owned());
        let object = payload.get("data")?.get("object")?;
        let id_of = |name: &str| match object.get(name)? {
            Value::String(id) => Some(id.clone()),
            expanded => text(expanded, "id"),
        };
        let is_customer = object.get("object").and_then(Value::as_str) == Some("customer");
        Some(Self {
            id: text(&payload, "id")?,
            kind: text(&payload, "type")?,
            api_version: text(&payload, "api_version"),
            is_live: payload.get("livemode")?.as_bool()?,
            customer_id: if is_customer { text(object, "id") } else { id_of("customer") },
            charge_id: id_of("charge"),
            payload,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(object: &Value) -> Event {
        let payload = json!({"id": "evt_1", "type": "a.b", "livemode": false, "data": {"object": object}});
        Event::from_payload(payload).expect("an event")
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
