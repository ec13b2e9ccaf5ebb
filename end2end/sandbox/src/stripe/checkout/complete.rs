//! What happens when somebody pays on a checkout page.

use serde_json::{Value, json};

use crate::stripe::books::Books;
use crate::stripe::cards::{self, Presence, Verdict};
use crate::stripe::checkout::{Order, details};
use crate::stripe::customers;
use crate::stripe::objects::Fields;
use crate::stripe::payments::{self, Payment};
use crate::stripe::subscriptions::start::{self, FirstPayment, NewSubscription};

/// What somebody typed into a page.
pub(crate) struct Paid<'a> {
    pub(crate) card: Value,
    pub(crate) email: Option<&'a str>,
    pub(crate) name: Option<&'a str>,
    pub(crate) presence: Presence,
}

/// Completes an open session, unless the card says otherwise; then nothing happened.
pub(crate) fn complete(books: &mut Books, id: &str, paid: Paid<'_>) -> Verdict {
    let Some(session) = books.objects.live("checkout.session", id).cloned() else { return Verdict::Approved };
    let Some(order) = books.orders.get(id).cloned() else { return Verdict::Approved };
    let verdict = try_card(books, &session, &paid);
    if verdict != Verdict::Approved {
        return verdict;
    }
    let email = paid.email.or(session.optional_text("customer_email")).map(str::to_owned);
    let customer = customer_of(books, &session, email.as_deref(), paid.name);
    let method = customers::new_method(books, paid.card, email.as_deref());
    let method = method.text("id").to_owned();
    if let Some(customer) =
        customer.as_deref().filter(|_| session.text("mode") != "payment" || order.saves_card)
    {
        let attached = books.edit(&method, |method| method["customer"] = customer.into());
        books.tell("payment_method.attached", &attached);
    }
    let result = match session.text("mode") {
        "subscription" => subscribe(books, order, customer.as_deref().unwrap_or_default(), &method),
        "payment" => pay(books, &session, order, customer.as_deref(), &method),
        _ => set_up(books, customer.as_deref(), &method),
    };
    close(books, id, customer, email, paid.name, result);
    Verdict::Approved
}

/// Asks the bank before anything is made, so that a refusal leaves nothing behind.
fn try_card(books: &mut Books, session: &Value, paid: &Paid<'_>) -> Verdict {
    let method = json!({"card": paid.card});
    let mut modes = books.card_modes.clone();
    let verdict = cards::judge(&mut modes, session.text("customer"), &method, paid.presence);
    if verdict != Verdict::Approved {
        books.card_modes = modes;
    }
    verdict
}

fn customer_of(
    books: &mut Books,
    session: &Value,
    email: Option<&str>,
    name: Option<&str>,
) -> Option<String> {
    if let Some(customer) = session.optional_text("customer") {
        return Some(customer.to_owned());
    }
    let is_guest = session.text("mode") == "payment" && session.text("customer_creation") != "always";
    (!is_guest).then(|| customers::create_with_email(books, email, name).text("id").to_owned())
}

fn subscribe(books: &mut Books, order: Order, customer: &str, method: &str) -> Value {
    let is_trial = order.trial_end.is_some();
    let new = NewSubscription {
        customer: customer.to_owned(),
        wanted: order.wanted,
        trial_end: order.trial_end,
        method: Some(method.to_owned()),
        without_method: order.without_method,
        metadata: order.metadata,
        description: order.description,
    };
    let (id, _) = start::start(books, new, FirstPayment::Now(Presence::Authenticated));
    let invoice = books.objects.get(&id).map(|subscription| subscription["latest_invoice"].clone());
    json!({
        "subscription": id, "invoice": invoice,
        "payment_status": if is_trial { "no_payment_required" } else { "paid" },
    })
}

fn pay(books: &mut Books, session: &Value, order: Order, customer: Option<&str>, method: &str) -> Value {
    let payment = Payment {
        customer,
        amount: session.integer("amount_total"),
        currency: session.text("currency"),
        description: order.description.as_str(),
        metadata: order.metadata,
    };
    let intent = payments::open(books, payment);
    payments::confirm(books, intent.text("id"), Some(method), Presence::Authenticated);
    json!({"payment_intent": intent["id"], "payment_status": "paid"})
}

fn set_up(books: &mut Books, customer: Option<&str>, method: &str) -> Value {
    let mut intent = books.draft("setup_intent", json!({"customer": customer, "payment_method": method}));
    intent["status"] = "succeeded".into();
    books.objects.insert(intent.clone());
    books.tell("setup_intent.succeeded", &intent);
    json!({"setup_intent": intent["id"], "payment_status": "no_payment_required"})
}

fn close(
    books: &mut Books,
    id: &str,
    customer: Option<String>,
    email: Option<String>,
    name: Option<&str>,
    result: Value,
) {
    let session = books.edit(id, |session| {
        session["status"] = "complete".into();
        session["url"] = Value::Null;
        session["customer"] = customer.into();
        if let Some(email) = email {
            session["customer_details"] = details(&email.into());
        }
        if !session["customer_details"].is_null() {
            session["customer_details"]["name"] = name.into();
        }
        for (name, value) in result.as_object().into_iter().flatten() {
            session[name] = value.clone();
        }
    });
    books.tell("checkout.session.completed", &session);
}

/// Where the page goes afterwards.
pub(crate) fn success_url(session: &Value) -> String {
    session.text("success_url").replace("{CHECKOUT_SESSION_ID}", session.text("id"))
}
