//! The shape of each kind of object: every field that Stripe's API has, with the value it has when nothing was asked.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::{Value, json};

const NAMES: &[(&str, &str)] = &[
    ("billing.meter", "mtr"),
    ("billing.meter_event_summary", "mtrusg"),
    ("billing_portal.configuration", "bpc"),
    ("billing_portal.session", "bps"),
    ("charge", "ch"),
    ("checkout.session", "cs_test"),
    ("customer", "cus"),
    ("dispute", "du"),
    ("event", "evt"),
    ("invoice", "in"),
    ("invoice_payment", "inpay"),
    ("invoiceitem", "ii"),
    ("item", "li"),
    ("line_item", "il"),
    ("payment_intent", "pi"),
    ("payment_method", "pm"),
    ("price", "price"),
    ("product", "prod"),
    ("refund", "re"),
    ("setup_intent", "seti"),
    ("subscription", "sub"),
    ("subscription_item", "si"),
    ("subscription_schedule", "sub_sched"),
    ("webhook_endpoint", "we"),
];

static SHAPES: LazyLock<HashMap<String, Value>> =
    LazyLock::new(|| serde_json::from_str(include_str!("shapes.json")).unwrap_or_default());

/// An object of a kind with these fields set.
pub(crate) fn shaped(kind: &str, fields: Value) -> Value {
    let mut object = SHAPES.get(kind).cloned().unwrap_or_else(|| json!({"object": kind}));
    if let Value::Object(fields) = fields {
        for (name, value) in fields {
            object[name] = value;
        }
    }
    object
}

/// What the ids of a kind begin with.
pub(crate) fn prefix_of(kind: &str) -> &'static str {
    NAMES.iter().find(|(name, _)| *name == kind).map_or("obj", |(_, prefix)| prefix)
}

/// Stripe's list object.
pub(crate) fn list_of(url: &str, data: Vec<Value>) -> Value {
    json!({"object": "list", "url": url, "has_more": false, "data": data})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_with_a_prefix_has_a_shape() {
        for (kind, _) in NAMES {
            assert_eq!(shaped(kind, json!({}))["object"], *kind);
            assert!(SHAPES.contains_key(*kind), "{kind}");
        }
    }
}
