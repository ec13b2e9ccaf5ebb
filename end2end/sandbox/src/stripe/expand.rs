//! `expand[]`: ids in an answer replaced by the objects they name, and the few fields that are only there when asked.

use serde_json::Value;

use crate::stripe::books::Books;
use crate::stripe::error::{Answer, StripeError};
use crate::stripe::objects::Fields;
use crate::stripe::shape::list_of;

const DEEPEST_PATH: usize = 4;

/// Expands the paths in an answer.
pub(crate) fn expand(books: &Books, answer: &mut Value, paths: &[String]) -> Answer<()> {
    for path in paths {
        let steps: Vec<&str> = path.split('.').collect();
        let depth = steps.iter().filter(|step| **step != "data").count();
        if depth > DEEPEST_PATH {
            let message = format!("You cannot expand more than {DEEPEST_PATH} levels of a property.");
            return Err(StripeError::invalid("expand", message));
        }
        expand_path(books, answer, &steps);
    }
    Ok(())
}

fn expand_path(books: &Books, node: &mut Value, steps: &[&str]) {
    if let Value::Array(elements) = node {
        for element in elements {
            expand_path(books, element, steps);
        }
        return;
    }
    let [step, rest @ ..] = steps else { return };
    if let Some(added) = field_on_request(books, node, step) {
        node[*step] = added;
    }
    let Some(field) = node.get_mut(*step) else { return };
    if let Some(object) = field.as_str().and_then(|id| books.objects.get(id)) {
        *field = object.clone();
    } else if let Value::Array(elements) = field {
        for element in elements.iter_mut() {
            if let Some(object) = element.as_str().and_then(|id| books.objects.get(id)) {
                *element = object.clone();
            }
        }
    }
    expand_path(books, field, rest);
}

/// Fields that Stripe leaves out unless they are expanded.
fn field_on_request(books: &Books, object: &Value, field: &str) -> Option<Value> {
    let id = object.text("id");
    let of_kind = |kind: &str, link: &str| -> Vec<Value> {
        books.objects.of_kind(kind).rev().filter(|other| other.text(link) == id).cloned().collect()
    };
    match (object.text("object"), field) {
        ("customer", "subscriptions") => {
            let is_current = |subscription: &Value| subscription.text("status") != "canceled";
            let current = of_kind("subscription", "customer").into_iter().filter(is_current).collect();
            Some(list_of(&format!("/v1/customers/{id}/subscriptions"), current))
        }
        ("invoice", "payments") => {
            Some(list_of("/v1/invoice_payments", of_kind("invoice_payment", "invoice")))
        }
        ("charge", "refunds") => {
            Some(list_of(&format!("/v1/charges/{id}/refunds"), of_kind("refund", "charge")))
        }
        ("checkout.session", "line_items") => crate::stripe::checkout::line_items(books, object).ok(),
        _ => None,
    }
}
