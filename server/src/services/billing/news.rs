//! What of a reading is news to people: money that came in or did not, a card that is about to expire, another plan. Each
//! piece has a cause of its own, so that learning it twice tells it once.

use app::types::Standing;
use chrono::{DateTime, Datelike, Utc};

use super::findings::{is_paid_for, unpaid_invoices};
use super::standing::standing_of;
use crate::providers::stripe::Customer;
use crate::store::accounts::Reading;
use crate::store::notices::{Facts, NewNotice, PlanChange};
use crate::store::subscriptions::{Before, Findings, InvoiceRow, PurchaseRow, SubscriptionRow, to_interval};

pub(super) fn news(
    before: &Before,
    found: &Findings,
    customer: &Customer,
    reading: Reading,
) -> Vec<NewNotice> {
    let subscription = found.subscription.as_ref();
    let is_new_invoice = |invoice: &&InvoiceRow| {
        invoice.status == "paid" && invoice.total_cents > 0 && !before.paid_invoices.contains(&invoice.id)
    };
    let invoices = found.invoices.iter().filter(is_new_invoice);
    let purchases = found.purchases.iter().filter(|purchase| !before.purchases.contains(&purchase.id));
    let mut news: Vec<_> = invoices.map(|invoice| invoice_paid(invoice, subscription, reading.at)).collect();
    news.extend(purchases.map(pack_bought));
    news.extend(subscription.and_then(|row| payment_failed(row, customer, reading.at)));
    news.extend(subscription.and_then(|row| card_expiring(row, reading)));
    news.extend(plan_changed(before.subscription.as_ref(), subscription, reading));
    news
}

fn invoice_paid(
    invoice: &InvoiceRow,
    subscription: Option<&SubscriptionRow>,
    at: DateTime<Utc>,
) -> NewNotice {
    let of_this = |row: &&SubscriptionRow| invoice.subscription_id.as_ref() == Some(&row.id);
    NewNotice {
        cause: format!("receipt:{}", invoice.id),
        facts: Facts::InvoicePaid {
            invoice_id: invoice.id.clone(),
            number: invoice.number.clone(),
            plan: subscription.filter(of_this).and_then(|row| row.plan.clone()),
            amount_cents: invoice.total_cents,
            paid_at: invoice.paid_at.unwrap_or(at),
        },
    }
}

fn pack_bought(purchase: &PurchaseRow) -> NewNotice {
    NewNotice {
        cause: format!("receipt:{}", purchase.id),
        facts: Facts::PackBought {
            purchase_id: purchase.id.clone(),
            credit: purchase.credit(),
            amount_cents: purchase.amount_cents,
            bought_at: purchase.bought_at,
        },
    }
}

/// Told for each time Stripe has tried while the grace lasts, and once when it is over. It asks for the latest invoice,
/// whose payment brings everything back.
fn payment_failed(row: &SubscriptionRow, customer: &Customer, at: DateTime<Utc>) -> Option<NewNotice> {
    let grace_ends_at = match standing_of(&row.dunning()?, at) {
        Standing::PastDue { grace_ends_at, .. } => Some(grace_ends_at),
        Standing::Frozen { .. } => None,
        Standing::Free | Standing::Active | Standing::Suspended => return None,
    };
    let subscription = customer.subscriptions.iter().find(|subscription| subscription.id == row.id)?;
    let unpaid: Vec<_> = unpaid_invoices(customer, subscription).collect();
    let (latest, oldest) = (unpaid.first()?, unpaid.last()?);
    let cause = match grace_ends_at {
        Some(_) => {
            let tried = unpaid.iter().find(|invoice| invoice.finalized_at.is_some())?;
            format!("payment_failed:{}:{}", tried.id, tried.attempts)
        }
        None => format!("payment_failed:{}:frozen", oldest.id),
    };
    Some(NewNotice {
        cause,
        facts: Facts::PaymentFailed {
            invoice_id: latest.id.clone(),
            plan: row.plan.clone(),
            amount_cents: latest.total_cents,
            next_attempt_at: latest.next_attempt_at,
            grace_ends_at,
        },
    })
}

/// The card of a subscription that goes on expires with this month or the next, or has already.
fn card_expiring(row: &SubscriptionRow, reading: Reading) -> Option<NewNotice> {
    let card = row.card().filter(|_| is_paid_for(&row.status) && row.ends_at.is_none())?;
    let months = |year: i64, month: u32| year * 12 + i64::from(month);
    let now = months(reading.at.year().into(), reading.at.month());
    let (month, year) = (card.expires_month, card.expires_year);
    (months(year.into(), month) - now <= 1).then(|| NewNotice {
        cause: format!("card_expiring:{}:{}:{year}-{month:02}", reading.account_id, card.last4),
        facts: Facts::CardExpiring { card },
    })
}

/// A first subscription is no change: its receipt tells it. The cause is the reading, which alone has seen the change.
fn plan_changed(
    before: Option<&SubscriptionRow>,
    after: Option<&SubscriptionRow>,
    reading: Reading,
) -> Option<NewNotice> {
    let was = before.filter(|row| is_paid_for(&row.status))?;
    let is = after.filter(|row| is_paid_for(&row.status));
    let (plan, change) = match is {
        None => (&was.plan, PlanChange::Ended { was_unpaid: was.past_due_since.is_some() }),
        Some(is) => (&is.plan, change(was, is)?),
    };
    Some(NewNotice {
        cause: format!("plan_changed:{}:{}", reading.account_id, reading.number),
        facts: Facts::PlanChanged { plan: plan.clone(), change },
    })
}

fn change(was: &SubscriptionRow, is: &SubscriptionRow) -> Option<PlanChange> {
    let renews_at = is.period_end;
    if (&was.plan, &was.interval) != (&is.plan, &is.interval) {
        let (interval, amount_cents) = (to_interval(&is.interval), is.amount_cents);
        return Some(PlanChange::Begun { interval, amount_cents, renews_at });
    }
    match (was.ends_at, is.ends_at) {
        (None, Some(ends_at)) => return Some(PlanChange::Cancelled { ends_at }),
        (Some(_), None) if planned(is).is_none() => return Some(PlanChange::Resumed { renews_at }),
        _ => {}
    }
    match (planned(was), planned(is)) {
        (was, Some(next)) if was.as_ref() != Some(&next) => Some(next),
        (Some(_), None) if is.ends_at.is_none() => Some(PlanChange::Kept { renews_at }),
        _ => None,
    }
}

fn planned(row: &SubscriptionRow) -> Option<PlanChange> {
    Some(PlanChange::Planned {
        to: row.next_plan.clone()?,
        interval: to_interval(row.next_interval.as_ref()?),
        amount_cents: row.next_amount_cents?,
        at: row.next_at?,
    })
}

#[cfg(test)]
pub(super) mod tests;
