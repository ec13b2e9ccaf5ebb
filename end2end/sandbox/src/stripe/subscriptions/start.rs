//! How subscriptions begin.

use serde_json::{Value, json};

use crate::stripe::books::Books;
use crate::stripe::cards::{Presence, Verdict};
use crate::stripe::error::{Answer, StripeError};
use crate::stripe::invoices::collection::{self, Attempt};
use crate::stripe::invoices::draft::{self, Draft};
use crate::stripe::objects::Fields;
use crate::stripe::subscriptions::items::{self, Wanted};
use crate::stripe::subscriptions::period;

/// What a subscription begins with, from the API or a checkout page.
pub(crate) struct NewSubscription {
    pub(crate) customer: String,
    pub(crate) wanted: Vec<Wanted>,
    pub(crate) trial_end: Option<i64>,
    pub(crate) method: Option<String>,
    /// `create_invoice`, `cancel` or `pause`.
    pub(crate) without_method: String,
    pub(crate) metadata: Value,
    pub(crate) description: Value,
}

/// Who pays the first invoice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FirstPayment {
    /// A card that is charged at once.
    Now(Presence),
    /// Nobody yet (`default_incomplete`).
    Later,
}

/// Begins a subscription: with a trial, or with a first invoice that makes it active once it is paid.
pub(crate) fn start(books: &mut Books, new: NewSubscription, payment: FirstPayment) -> (String, Verdict) {
    let subscription = open(books, &new);
    let id = subscription.text("id").to_owned();
    let lines = match new.trial_end {
        Some(_) => Vec::new(),
        None => items::advance_lines(books, &subscription, items::period_of(&subscription)),
    };
    let now = books.now();
    let invoice = draft::open(
        books,
        Draft {
            customer: &new.customer,
            subscription: &subscription,
            reason: "subscription_create",
            lines,
            period: (now, now),
            advances: true,
        },
    );
    // The first invoice has no hour as a draft.
    if draft::finalize(books, &invoice).is_err() {
        return (id, Verdict::Approved);
    }
    let verdict = match payment {
        FirstPayment::Now(presence) => {
            collection::collect(books, &invoice, new.method.as_deref(), presence, Attempt::ByHand)
        }
        FirstPayment::Later => Verdict::Approved,
    };
    (id, verdict)
}

fn open(books: &mut Books, new: &NewSubscription) -> Value {
    let now = books.now();
    let anchor = new.trial_end.unwrap_or(now);
    let recurring = new.wanted.first().map(|(price, _)| price["recurring"].clone()).unwrap_or_default();
    let end = new.trial_end.unwrap_or_else(|| period::period_end(anchor, &recurring, now));
    let mut subscription = books.draft("subscription", json!({}));
    let id = subscription.text("id").to_owned();
    let list = new.wanted.iter().map(|wanted| items::new_item(books, &id, wanted, (now, end))).collect();
    let fields = json!({
        "customer": new.customer, "items": items::list_object(&id, list), "metadata": new.metadata,
        "currency": new.wanted.first().map(|(price, _)| price["currency"].clone()),
        "status": if new.trial_end.is_some() { "trialing" } else { "incomplete" },
        "billing_cycle_anchor": anchor, "start_date": now, "default_payment_method": new.method,
        "trial_start": new.trial_end.map(|_| now), "trial_end": new.trial_end, "description": new.description,
        "trial_settings": {"end_behavior": {"missing_payment_method": new.without_method}},
    });
    for (name, value) in fields.as_object().into_iter().flatten() {
        subscription[name] = value.clone();
    }
    books.objects.insert(subscription.clone());
    books.tell("customer.subscription.created", &subscription);
    subscription
}

/// `trial_end` from `trial_period_days` or `trial_end` of a request.
pub(crate) fn trial_end(books: &Books, params: &crate::stripe::form::Params) -> Answer<Option<i64>> {
    if params.text("trial_end") == Some("now") {
        return Ok(None);
    }
    let by_days =
        params.integer("trial_period_days")?.filter(|days| *days > 0).map(|days| books.now() + days * 86_400);
    let end = params.integer("trial_end")?.or(by_days);
    match end {
        Some(end) if end <= books.now() => {
            let message = "Timestamp must be an integer Unix timestamp in the future.".to_owned();
            Err(StripeError::invalid("trial_end", message))
        }
        end => Ok(end),
    }
}
