//! Every address of the API.

use axum::http::Method;

use crate::stripe::books::Books;
use crate::stripe::error::{Answer, StripeError};
use crate::stripe::form::Params;
use crate::stripe::webhooks::endpoints;
use crate::stripe::{
    catalog, checkout, customers, disputes, events, invoices, list, meters, portal, refunds, schedules,
    subscriptions,
};

/// Answers a request. `path` is what comes after `/v1/`, part by part.
pub(crate) fn dispatch(books: &mut Books, method: &Method, path: &[&str], params: &Params) -> Answer {
    match (method.as_str(), path) {
        ("POST", ["products"]) => catalog::create_product(books, params),
        ("GET", ["products"]) => catalog::list_products(books, params),
        ("POST", ["products", id]) => catalog::update_product(books, id, params),

        ("POST", ["prices"]) => catalog::create_price(books, params),
        ("GET", ["prices"]) => catalog::list_prices(books, params),
        ("POST", ["prices", id]) => catalog::update_price(books, id, params),

        ("POST", ["customers"]) => customers::create(books, params),
        ("GET", ["customers"]) => customers::list(books, params),
        ("GET", ["customers", id]) => customers::retrieve(books, id),
        ("POST", ["customers", id]) => customers::update(books, id, params),
        ("DELETE", ["customers", id]) => customers::delete(books, id),
        ("GET", ["customers", id, "payment_methods"]) => customers::list_methods(books, Some(id), params),

        ("GET", ["payment_methods"]) => customers::list_methods(books, None, params),
        ("POST", ["payment_methods", id, "attach"]) => {
            customers::attach(books, id, params.required("customer")?)
        }
        ("POST", ["payment_methods", id, "detach"]) => customers::detach(books, id),

        ("POST", ["checkout", "sessions"]) => checkout::create(books, params),
        ("GET", ["checkout", "sessions"]) => checkout::list(books, params),
        ("POST", ["checkout", "sessions", id, "expire"]) => checkout::expire(books, id),
        ("GET", ["checkout", "sessions", id, "line_items"]) => checkout::list_line_items(books, id, params),

        ("POST", ["billing_portal", "sessions"]) => portal::create_session(books, params),
        ("POST", ["billing_portal", "configurations"]) => portal::create_configuration(books, params),
        ("GET", ["billing_portal", "configurations"]) => portal::list_configurations(books, params),
        ("POST", ["billing_portal", "configurations", id]) => portal::update_configuration(books, id, params),

        ("POST", ["subscriptions"]) => subscriptions::create(books, params),
        ("GET", ["subscriptions"]) => subscriptions::list(books, params),
        ("POST", ["subscriptions", id]) => subscriptions::update(books, id, params),
        ("DELETE", ["subscriptions", id]) => subscriptions::cancel(books, id, params),
        ("POST", ["subscriptions", id, "resume"]) => subscriptions::resume(books, id),

        ("POST", ["subscription_schedules"]) => schedules::create(books, params),
        ("GET", ["subscription_schedules"]) => schedules::list(books, params),
        ("POST", ["subscription_schedules", id]) => schedules::update(books, id, params),
        ("POST", ["subscription_schedules", id, "release"]) => schedules::release(books, id),
        ("POST", ["subscription_schedules", id, "cancel"]) => schedules::cancel(books, id),

        ("POST", ["invoices"]) => invoices::create(books, params),
        ("GET", ["invoices"]) => invoices::list(books, params),
        ("POST", ["invoices", id]) => invoices::update(books, id, params),
        ("DELETE", ["invoices", id]) => invoices::delete(books, id),
        ("GET", ["invoices", id, "lines"]) => invoices::list_lines(books, id, params),
        ("POST", ["invoices", id, "finalize"]) => invoices::finalize(books, id),
        ("POST", ["invoices", id, "pay"]) => invoices::pay(books, id, params),
        ("POST", ["invoices", id, "void"]) => invoices::void(books, id),
        ("POST", ["invoices", id, "mark_uncollectible"]) => invoices::mark_uncollectible(books, id),
        ("GET", ["invoice_payments"]) => invoices::list_payments(books, params),
        ("POST", ["invoiceitems"]) => invoices::create_item(books, params),
        ("GET", ["invoiceitems"]) => invoices::list_items(books, params),

        ("GET", ["payment_intents"]) => of_customer(books, "payment_intent", "/v1/payment_intents", params),
        ("GET", ["charges"]) => of_customer(books, "charge", "/v1/charges", params),
        ("POST", ["refunds"]) => refunds::create(books, params),
        ("GET", ["refunds"]) => refunds::list(books, params),
        ("GET", ["disputes"]) => disputes::list(books, params),

        ("POST", ["billing", "meters"]) => meters::create(books, params),
        ("GET", ["billing", "meters"]) => meters::list(books, params),
        ("POST", ["billing", "meters", id]) => meters::update(books, id, params),
        ("GET", ["billing", "meters", id, "event_summaries"]) => meters::list_summaries(books, id, params),
        ("POST", ["billing", "meter_events"]) => meters::create_event(books, params),

        ("GET", ["events"]) => events::list(books, params),

        ("POST", ["webhook_endpoints"]) => endpoints::create(books, params),
        ("GET", ["webhook_endpoints"]) => endpoints::list(books, params),
        ("POST", ["webhook_endpoints", id]) => endpoints::update(books, id, params),
        ("DELETE", ["webhook_endpoints", id]) => endpoints::delete(books, id),

        ("GET", path) => retrieve(books, path),
        (method, path) => Err(StripeError::unknown_url(method, &format!("/v1/{}", path.join("/")))),
    }
}

/// Objects that are answered just as they are kept.
fn retrieve(books: &Books, path: &[&str]) -> Answer {
    let (kind, id) = match path {
        ["products", id] => ("product", id),
        ["prices", id] => ("price", id),
        ["payment_methods", id] | ["customers", _, "payment_methods", id] => ("payment_method", id),
        ["checkout", "sessions", id] => ("checkout.session", id),
        ["billing_portal", "configurations", id] => ("billing_portal.configuration", id),
        ["subscriptions", id] => ("subscription", id),
        ["subscription_schedules", id] => ("subscription_schedule", id),
        ["invoices", id] => ("invoice", id),
        ["invoice_payments", id] => ("invoice_payment", id),
        ["invoiceitems", id] => ("invoiceitem", id),
        ["payment_intents", id] => ("payment_intent", id),
        ["setup_intents", id] => ("setup_intent", id),
        ["charges", id] => ("charge", id),
        ["refunds", id] => ("refund", id),
        ["disputes", id] => ("dispute", id),
        ["billing", "meters", id] => ("billing.meter", id),
        ["events", id] => ("event", id),
        ["webhook_endpoints", id] => ("webhook_endpoint", id),
        _ => return Err(StripeError::unknown_url("GET", &format!("/v1/{}", path.join("/")))),
    };
    books.objects.find(kind, id)
}

fn of_customer(books: &Books, kind: &str, url: &str, params: &Params) -> Answer {
    list::page(books, kind, url, params, |object| {
        params.allows(object, "customer") && params.allows(object, "payment_intent")
    })
}
