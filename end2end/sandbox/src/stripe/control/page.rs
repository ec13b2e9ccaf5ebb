//! The page on which a person moves clocks and lets payments fail.

use std::sync::Arc;

use axum::Form;
use axum::extract::State;
use axum::response::{Html, Redirect};
use chrono::DateTime;
use serde::Deserialize;
use serde_json::Value;

use crate::pages::Escaped;
use crate::pages::stripe as looks;
use crate::stripe::books::{AfterRetries, Books};
use crate::stripe::cards::CardMode;
use crate::stripe::objects::Fields;
use crate::stripe::{Account, Stripe, clock, subscriptions};

const ADDRESS: &str = "/control/stripe";
const SHOWN_DELIVERIES: usize = 20;
const DAY: i64 = 86_400;

pub(super) async fn show(State(stripe): State<Arc<Stripe>>) -> Html<String> {
    let mut sections: String =
        stripe.all_accounts().iter().map(|account| section(&stripe, account)).collect();
    if sections.is_empty() {
        sections =
            "<p class=\"card note\">No account yet: the first request with a key makes one.</p>".to_owned();
    }
    Html(looks::page("Move Stripe's clock", &sections))
}

/// What a button of the page does.
#[derive(Debug, Deserialize)]
pub(super) struct Act {
    key: String,
    #[serde(flatten)]
    action: Action,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
enum Action {
    Day,
    Week,
    Month,
    FailNextPayment { customer: String },
    FailPayments { customer: String },
    AllowPayments { customer: String },
    SetAfterRetries { after_retries: AfterRetries },
}

/// What becomes of a subscription whose last retry has failed, in words.
const ENDINGS: [(AfterRetries, &str, &str); 3] = [
    (AfterRetries::Cancel, "cancel", "is cancelled"),
    (AfterRetries::MarkUnpaid, "mark_unpaid", "is unpaid"),
    (AfterRetries::LeavePastDue, "leave_past_due", "stays past due"),
];

pub(super) async fn act(State(stripe): State<Arc<Stripe>>, Form(act): Form<Act>) -> Redirect {
    let account = stripe.account(&act.key);
    stripe.with_books(&account, |books| {
        match act.action {
            Action::Day => books.move_clock(DAY),
            Action::Week => books.move_clock(7 * DAY),
            Action::Month => books.move_clock(31 * DAY),
            Action::FailNextPayment { customer } => {
                books.card_modes.set(&customer, Some(CardMode::Decline), Some(1))
            }
            Action::FailPayments { customer } => {
                books.card_modes.set(&customer, Some(CardMode::Decline), None)
            }
            Action::AllowPayments { customer } => books.card_modes.set(&customer, None, None),
            Action::SetAfterRetries { after_retries } => books.after_retries = after_retries,
        }
        clock::catch_up(books);
    });
    Redirect::to(ADDRESS)
}

fn section(stripe: &Stripe, account: &Account) -> String {
    let key = Escaped(&account.key).to_string();
    let (now, subscribers, endings) = stripe
        .with_books(account, |books| (books.now(), subscribers(books, &key), endings(books.after_retries)));
    let now = DateTime::from_timestamp(now, 0).map(|now| now.format("%-d %B %Y, %H:%M UTC").to_string());
    format!(
        r#"<section class="card">
<h2><code>{key}</code></h2>
<p>It is <strong data-testid="now">{now}</strong>. What falls due on the way happens in order.</p>
<form method="post" action="{ADDRESS}" class="row">
<input type="hidden" name="key" value="{key}">
<button name="action" value="day">A day</button>
<button name="action" value="week">7 days</button>
<button name="action" value="month">A month</button>
</form>
<form method="post" action="{ADDRESS}" class="row">
<input type="hidden" name="key" value="{key}">
<label>When the last retry of a payment has failed, its subscription <select name="after_retries">
{endings}</select></label>
<button name="action" value="set_after_retries">Set</button>
</form>
<h2>Subscribers</h2>
{subscribers}<h2>Last webhooks</h2>
{deliveries}<p class="note"><a href="{ADDRESS}/{key}/webhooks/journal">All, as JSON</a></p>
</section>
"#,
        now = now.unwrap_or_default(),
        deliveries = deliveries(account),
    )
}

fn endings(chosen: AfterRetries) -> String {
    let option = |(ending, name, words): (AfterRetries, &str, &str)| {
        let selected = if ending == chosen { " selected" } else { "" };
        format!("<option value=\"{name}\"{selected}>{words}</option>\n")
    };
    ENDINGS.into_iter().map(option).collect()
}

fn subscribers(books: &Books, key: &str) -> String {
    let running = books.objects.of_kind("subscription").filter(|found| subscriptions::is_running(found));
    let row = |found: &Value| {
        let customer = books.objects.get(found.text("customer")).cloned().unwrap_or_default();
        subscriber(found, &customer, key)
    };
    let rows: String = running.map(row).collect();
    if rows.is_empty() {
        "<p class=\"note\">Nobody yet.</p>\n".to_owned()
    } else {
        format!("<ul class=\"plain\">\n{rows}</ul>\n")
    }
}

fn subscriber(subscription: &Value, customer: &Value, key: &str) -> String {
    format!(
        r#"<li><form method="post" action="{ADDRESS}" class="row">
<span class="who"><strong>{email}</strong> <span class="address">{id}</span></span>
<span class="badge">{status}</span>
<input type="hidden" name="key" value="{key}"><input type="hidden" name="customer" value="{customer}">
<button name="action" value="fail_next_payment">Let the next payment fail</button>
<button name="action" value="fail_payments">Let all payments fail</button>
<button name="action" value="allow_payments">Let payments go through</button>
</form></li>
"#,
        email = Escaped(customer.text("email")),
        id = Escaped(subscription.text("id")),
        status = subscription.text("status"),
        customer = Escaped(customer.text("id")),
    )
}

fn deliveries(account: &Account) -> String {
    let rows: String = account
        .courier
        .journal()
        .iter()
        .rev()
        .take(SHOWN_DELIVERIES)
        .map(|delivery| {
            let status = delivery.attempts.last().and_then(|attempt| attempt.status);
            let status = status.map_or_else(String::new, |status| format!(" {status}"));
            format!(
                "<li class=\"row\"><span class=\"who\">{}</span> <span class=\"badge\">{:?}{status}</span></li>\n",
                Escaped(&delivery.event_type),
                delivery.state,
            )
        })
        .collect();
    format!("<ul class=\"plain\">\n{rows}</ul>\n")
}
