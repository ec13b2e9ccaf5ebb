//! What a customer at Stripe means for the account.

use app::types::Nanos;
use chrono::{DateTime, Utc};

use super::SyncJob;
use super::entitlements::{credit_changes, months};
use super::money_back::{money_back_rows, refunded_cents};
use super::prices::PriceBook;
use crate::config::PaidPlan;
use crate::providers::stripe::{CheckoutState, Customer, Invoice, Subscription, SubscriptionStatus};
use crate::store::subscriptions::{Findings, InvoiceRow, PurchaseRow, SubscriptionRow};

pub(super) fn findings(
    customer_id: &str,
    customer: &Customer,
    prices: &PriceBook,
    at: DateTime<Utc>,
) -> Findings {
    let subscription = current(&customer.subscriptions);
    let row = subscription.map(|subscription| subscription_row(customer, subscription, prices, at));
    Findings {
        is_customer_deleted: customer.is_deleted,
        plan: row
            .as_ref()
            .filter(|row| is_paid_for(&row.status))
            .and_then(|row| row.plan.clone())
            .unwrap_or_else(|| prices.free_key().to_owned()),
        invoices: invoice_rows(customer),
        purchases: purchase_rows(customer),
        money_back: money_back_rows(customer),
        credit: credit_changes(customer, prices, at),
        next_reading: row
            .as_ref()
            .and_then(|row| next_reading(row, at))
            .into_iter()
            .chain(next_end(&customer.subscriptions, at))
            .min()
            .map(|at| SyncJob::of_customer_at(customer_id, at)),
        subscription: row,
    }
}

/// Of a year, the credit of the next month is given when it has come. When a grace is over, its end is told.
fn next_reading(row: &SubscriptionRow, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let is_yearly = row.interval == "year" && is_paid_for(&row.status);
    let month = row.credit_resets_at.filter(|_| is_yearly);
    let grace = row.grace_ends_at.filter(|end| *end > at);
    month.into_iter().chain(grace).min()
}

/// The credit of what was ended before its time lasts as long as the period it was paid for.
fn next_end(subscriptions: &[Subscription], at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let over = subscriptions.iter().filter(|each| !each.status.is_live());
    over.map(|each| each.period_end).filter(|end| *end > at).min()
}

/// The one that counts: the live one, else the newest.
pub(super) fn current(subscriptions: &[Subscription]) -> Option<&Subscription> {
    let live: Vec<_> = subscriptions.iter().filter(|each| each.status.is_live()).collect();
    if live.len() > 1 {
        let ids: Vec<_> = live.iter().map(|each| each.id.as_str()).collect();
        tracing::error!(
            subscriptions = ids.join(", "),
            "A customer has more than one live subscription: one is to be refunded"
        );
    }
    let oldest = live.into_iter().min_by_key(|each| each.created_at);
    oldest.or_else(|| subscriptions.iter().max_by_key(|each| each.created_at))
}

pub(super) fn is_paid_for(status: &str) -> bool {
    use SubscriptionStatus::*;

    status.parse().is_ok_and(|status| matches!(status, Trialing | Active | PastDue | Unpaid))
}

fn subscription_row(
    customer: &Customer,
    subscription: &Subscription,
    prices: &PriceBook,
    at: DateTime<Utc>,
) -> SubscriptionRow {
    let plan = prices.plan_of(&subscription.price.product_id);
    let past_due = past_due(customer, subscription, plan);
    let next = subscription.schedule.as_ref().and_then(|schedule| schedule.next.as_ref());
    let next = next.and_then(|(price_id, at)| Some((prices.plan_of_price(price_id)?, *at)));
    let next = next.filter(|_| subscription.ends_at.is_none());
    let card = subscription.card.as_ref().or(customer.card.as_ref());
    SubscriptionRow {
        id: subscription.id.clone(),
        status: subscription.status.to_string(),
        plan: plan.map(|paid| paid.plan.key.clone()),
        interval: subscription.price.interval.unwrap_or(app::types::Interval::Month).to_string(),
        amount_cents: subscription.price.amount_cents,
        period_start: subscription.period_start,
        period_end: subscription.period_end,
        ends_at: subscription.ends_at,
        past_due_since: past_due.map(|(since, _)| since),
        grace_ends_at: past_due.map(|(_, until)| until),
        credit_resets_at: next_month(subscription, at),
        next_plan: next.map(|((paid, ..), _)| paid.plan.key.clone()),
        next_interval: next.map(|((_, interval, _), _)| interval.to_string()),
        next_amount_cents: next.map(|((_, _, amount), _)| amount),
        next_at: next.map(|(_, at)| at),
        unpaid_change_url: unpaid_change_url(customer, subscription),
        card_brand: card.map(|card| card.brand.clone()),
        card_last4: card.map(|card| card.last4.clone()),
        card_expires_month: card.and_then(|card| card.expires_month.try_into().ok()),
        card_expires_year: card.and_then(|card| card.expires_year.try_into().ok()),
        metered_item_id: subscription.metered.as_ref().map(|metered| metered.id.clone()),
    }
}

/// Since its oldest unpaid invoice was due, and until when the plan bears that. Told from what Stripe has, so that it
/// does not matter when we learn of it.
fn past_due(
    customer: &Customer,
    subscription: &Subscription,
    plan: Option<&PaidPlan>,
) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let due =
        unpaid_invoices(customer, subscription).map(|found| found.finalized_at.unwrap_or(found.created_at));
    let since = due.min().filter(|_| subscription.status.is_due())?;
    Some((since, plan.map_or(since, |plan| since + plan.grace)))
}

/// The invoices of a subscription that wait to be paid, or were given up, newest first. The latest decides how the
/// subscription stands, so it counts also while it is a draft, and what is older than a payment does not count any more.
///
/// <https://docs.stripe.com/billing/subscriptions/overview#subscription-statuses>
pub(super) fn unpaid_invoices<'a>(
    customer: &'a Customer,
    subscription: &'a Subscription,
) -> impl Iterator<Item = &'a Invoice> {
    let is_unpaid = move |invoice: &&Invoice| match invoice.status.as_str() {
        "open" | "uncollectible" => true,
        "draft" => subscription.latest_invoice_id.as_ref() == Some(&invoice.id),
        _ => false,
    };
    let of_this = move |invoice: &&Invoice| invoice.subscription_id.as_ref() == Some(&subscription.id);
    let newest_first = customer.invoices.iter().filter(of_this);
    newest_first.take_while(|invoice| invoice.status != "paid").filter(is_unpaid)
}

/// When the credit of the next month is due.
fn next_month(subscription: &Subscription, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let months = months(subscription.period_start, subscription.period_end);
    months.into_iter().map(|(_, end)| end).find(|end| *end > at)
}

fn unpaid_change_url(customer: &Customer, subscription: &Subscription) -> Option<String> {
    subscription.pending_update.as_ref()?;
    let latest = subscription.latest_invoice_id.as_ref()?;
    let invoice = customer.invoices.iter().find(|invoice| invoice.id == *latest)?;
    invoice.url.clone().filter(|_| invoice.status == "open")
}

fn invoice_rows(customer: &Customer) -> Vec<InvoiceRow> {
    let row = |invoice: &Invoice| InvoiceRow {
        id: invoice.id.clone(),
        subscription_id: invoice.subscription_id.clone(),
        number: invoice.number.clone(),
        status: invoice.status.clone(),
        billing_reason: invoice.billing_reason.clone(),
        total_cents: invoice.total_cents,
        refunded_cents: refunded_cents(customer, &invoice.payment_intent_ids),
        created_at: invoice.created_at,
        paid_at: invoice.paid_at,
        url: invoice.url.clone(),
        pdf_url: invoice.pdf_url.clone(),
    };
    customer.invoices.iter().map(row).collect()
}

fn purchase_rows(customer: &Customer) -> Vec<PurchaseRow> {
    let paid = customer.checkouts.iter().filter(|checkout| checkout.state == CheckoutState::Paid);
    paid.filter_map(|checkout| {
        let (pack, credit) = checkout.pack.clone()?;
        let paid_with: Vec<_> = checkout.payment_intent_id.iter().cloned().collect();
        let charge =
            customer.charges.iter().find(|charge| charge.payment_intent_id == checkout.payment_intent_id);
        Some(PurchaseRow {
            id: checkout.id.clone(),
            pack,
            credit_nanos: Nanos(credit).0,
            amount_cents: checkout.amount_cents,
            refunded_cents: refunded_cents(customer, &paid_with),
            bought_at: checkout.created_at,
            receipt_url: charge.and_then(|charge| charge.receipt_url.clone()),
        })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::super::entitlements::tests::{customer, invoice, subscription};
    use super::super::news::tests::{at, row};
    use super::*;

    #[test]
    fn a_customer_is_read_again_when_a_grace_ends_and_when_a_months_credit_of_a_year_is_due() {
        let now = at("2026-04-20");
        let (month, grace) = (Some(at("2026-05-01")), Some(at("2026-04-27")));
        let monthly = SubscriptionRow { credit_resets_at: month, ..row() };
        let yearly = SubscriptionRow { interval: "year".to_owned(), ..monthly.clone() };
        let due = SubscriptionRow { status: "past_due".to_owned(), grace_ends_at: grace, ..yearly.clone() };
        let over = SubscriptionRow { grace_ends_at: Some(now), ..monthly.clone() };
        for (row, at) in [(monthly, None), (yearly, month), (due, grace), (over, None)] {
            assert_eq!(next_reading(&row, now), at, "{row:?}");
        }
    }

    #[test]
    fn a_customer_is_read_again_when_the_period_of_what_was_ended_at_once_is_over() {
        let canceled = SubscriptionStatus::Canceled;
        let ended = Subscription { status: canceled, ..subscription("pro", "2026-04-01", "2026-05-01") };
        let running = subscription("max", "2026-04-20", "2026-05-20");
        for (subscriptions, end) in [
            (vec![ended.clone()], Some(at("2026-05-01"))),
            (vec![running.clone(), ended], Some(at("2026-05-01"))),
            (vec![running], None),
            (
                vec![Subscription { status: canceled, ..subscription("pro", "2026-03-01", "2026-04-01") }],
                None,
            ),
        ] {
            assert_eq!(next_end(&subscriptions, at("2026-04-25")), end, "{subscriptions:?}");
        }
    }

    #[test]
    fn only_what_is_unpaid_since_the_last_payment_counts_and_the_latest_also_as_a_draft() {
        let made = |id: &str, status: &str, day| {
            let finalized_at = Some(at(day)).filter(|_| status != "draft");
            Invoice { status: status.to_owned(), finalized_at, ..invoice(id, "cycle", day, vec![]) }
        };
        let invoices = vec![
            made("in_5", "draft", "2026-05-01"),
            made("in_4", "draft", "2026-04-01"),
            made("in_3", "open", "2026-03-01"),
            made("in_2", "paid", "2026-02-01"),
            made("in_1", "open", "2026-01-01"),
        ];
        let unpaid = Subscription {
            status: SubscriptionStatus::Unpaid,
            latest_invoice_id: Some("in_5".to_owned()),
            ..subscription("pro", "2026-05-01", "2026-06-01")
        };
        let mut customer = customer(unpaid.clone(), invoices);
        let ids = |customer: &Customer| -> Vec<String> {
            unpaid_invoices(customer, &unpaid).map(|invoice| invoice.id.clone()).collect()
        };
        assert_eq!(ids(&customer), ["in_5", "in_3"]);
        let since = |customer: &Customer| past_due(customer, &unpaid, None).map(|(since, _)| since);
        assert_eq!(since(&customer), Some(at("2026-03-01")));
        customer.invoices[2].status = "paid".to_owned();
        assert_eq!(since(&customer), Some(at("2026-05-01")), "paying an older one is not enough");
    }
}
