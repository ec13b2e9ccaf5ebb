//! From Stripe's objects to ours.

use app::types::{Card, Interval};
use chrono::{DateTime, Utc};
use stripe_shared as api;
use stripe_types::Expandable;

use super::{
    Charge, Checkout, CheckoutState, Invoice, InvoiceLine, MeteredItem, MeteredPrice, MoneyBack,
    PendingUpdate, Price, Schedule, StripeError, StripeResult, Subscription, SubscriptionStatus,
    WebhookEndpoint,
};

fn time(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap_or_default()
}

fn interval(recurring: &api::Recurring) -> Option<Interval> {
    match (&recurring.interval, recurring.interval_count) {
        (api::RecurringInterval::Month, 1) => Some(Interval::Month),
        (api::RecurringInterval::Year, 1) => Some(Interval::Year),
        _ => None,
    }
}

pub(super) fn card(method: &api::PaymentMethod) -> Option<Card> {
    let card = method.card.as_ref()?;
    Some(Card {
        brand: card.brand.clone(),
        last4: card.last4.clone(),
        expires_month: u32::try_from(card.exp_month).ok()?,
        expires_year: u32::try_from(card.exp_year).ok()?,
    })
}

impl From<api::Price> for Price {
    fn from(price: api::Price) -> Self {
        Self {
            id: price.id.to_string(),
            product_id: price.product.id().to_string(),
            lookup_key: price.lookup_key,
            amount_cents: price.unit_amount.unwrap_or_default(),
            is_in_dollars: price.currency == stripe_types::Currency::USD,
            interval: price.recurring.as_ref().and_then(interval),
            metered: price.recurring.and_then(|recurring| recurring.meter).map(|meter_id| MeteredPrice {
                meter_id,
                unit_cents: price.unit_amount_decimal.unwrap_or_default(),
            }),
        }
    }
}

/// None: nothing in it is paid ahead, so it is none of ours.
pub(super) fn subscription(subscription: api::Subscription) -> StripeResult<Option<Subscription>> {
    let (metered, paid_ahead): (Vec<_>, Vec<_>) = subscription.items.data.into_iter().partition(is_metered);
    let Some(item) = paid_ahead.into_iter().next() else { return Ok(None) };
    let period_end = time(item.current_period_end);
    Ok(Some(Subscription {
        id: subscription.id.to_string(),
        customer_id: subscription.customer.id().to_string(),
        status: status(&subscription.status)?,
        created_at: time(subscription.created),
        item_id: item.id.to_string(),
        price: item.price.into(),
        metered: metered
            .into_iter()
            .next()
            .map(|item| MeteredItem { id: item.id.to_string(), price_id: item.price.id.to_string() }),
        period_start: time(item.current_period_start),
        period_end,
        ends_at: match subscription.cancel_at_period_end {
            true => Some(period_end),
            false => subscription.cancel_at.map(time),
        },
        schedule: subscription.schedule.and_then(Expandable::into_object).and_then(schedule),
        card: subscription
            .default_payment_method
            .and_then(Expandable::into_object)
            .and_then(|method| card(&method)),
        pending_update: subscription.pending_update.map(pending_update),
        latest_invoice_id: subscription.latest_invoice.and_then(Expandable::into_id).map(|id| id.to_string()),
    }))
}

fn pending_update(update: api::SubscriptionsResourcePendingUpdate) -> PendingUpdate {
    let items = update.subscription_items.unwrap_or_default();
    let item = items.into_iter().find(|item| !is_metered(item));
    PendingUpdate { price_id: item.map(|item| item.price.id.to_string()) }
}

fn is_metered(item: &api::SubscriptionItem) -> bool {
    item.price.recurring.as_ref().is_some_and(|recurring| recurring.meter.is_some())
}

fn status(status: &api::SubscriptionStatus) -> StripeResult<SubscriptionStatus> {
    status.as_str().parse().map_err(StripeError::Refused)
}

/// None: it has ended, and changes nothing any more.
fn schedule(schedule: api::SubscriptionSchedule) -> Option<Schedule> {
    let phase_end = schedule.current_phase?.end_date;
    let next = schedule.phases.into_iter().find(|phase| phase.start_date >= phase_end);
    let next = next.and_then(|phase| {
        let item = phase.items.into_iter().next()?;
        Some((item.price.into_id().to_string(), time(phase.start_date)))
    });
    Some(Schedule { id: schedule.id.to_string(), next })
}

impl From<api::Invoice> for Invoice {
    fn from(invoice: api::Invoice) -> Self {
        let parent = invoice.parent.and_then(|parent| parent.subscription_details);
        let payments = invoice.payments.map(|payments| payments.data).unwrap_or_default();
        Self {
            id: invoice.id.map(|id| id.to_string()).unwrap_or_default(),
            number: invoice.number,
            status: invoice.status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
            billing_reason: invoice.billing_reason.map(|reason| reason.as_str().to_owned()),
            subscription_id: parent.map(|parent| parent.subscription.into_id().to_string()),
            total_cents: invoice.total,
            created_at: time(invoice.created),
            finalized_at: invoice.status_transitions.finalized_at.map(time),
            paid_at: invoice.status_transitions.paid_at.map(time),
            attempts: invoice.attempt_count,
            next_attempt_at: invoice.next_payment_attempt.map(time),
            lines: invoice.lines.data.into_iter().map(InvoiceLine::from).collect(),
            payment_intent_ids: payments
                .into_iter()
                .filter_map(|payment| Some(payment.payment.payment_intent?.into_id().to_string()))
                .collect(),
            url: invoice.hosted_invoice_url,
            pdf_url: invoice.invoice_pdf,
        }
    }
}

impl From<api::InvoiceLineItem> for InvoiceLine {
    fn from(line: api::InvoiceLineItem) -> Self {
        let product = line.pricing.and_then(|pricing| pricing.price_details).map(|price| price.product);
        let is_proration = line.parent.is_some_and(|parent| {
            let of_item = parent.subscription_item_details.is_some_and(|details| details.proration);
            of_item || parent.invoice_item_details.is_some_and(|details| details.proration)
        });
        Self {
            product_id: product,
            amount_cents: line.amount,
            is_proration,
            start: time(line.period.start),
            end: time(line.period.end),
        }
    }
}

/// `disputes` are asked for apart.
pub(super) fn charge(charge: api::Charge, disputes: Vec<api::Dispute>) -> Charge {
    let refunds = charge.refunds.map(|refunds| refunds.data).unwrap_or_default();
    Charge {
        payment_intent_id: charge.payment_intent.map(|intent| intent.into_id().to_string()),
        amount_cents: charge.amount,
        receipt_url: charge.receipt_url,
        refunds: refunds
            .into_iter()
            .map(|refund| MoneyBack {
                id: refund.id.to_string(),
                amount_cents: refund.amount,
                created_at: time(refund.created),
                came_back: matches!(refund.status.as_deref(), Some("failed" | "canceled")),
                status: refund.status.unwrap_or_default(),
                reason: refund.reason.map(|reason| reason.to_string()),
            })
            .collect(),
        disputes: disputes
            .into_iter()
            .filter(|dispute| takes_money(&dispute.status))
            .map(|dispute| MoneyBack {
                id: dispute.id.to_string(),
                amount_cents: dispute.amount,
                created_at: time(dispute.created),
                came_back: matches!(dispute.status, api::DisputeStatus::Won),
                status: dispute.status.to_string(),
                reason: Some(dispute.reason).filter(|reason| !reason.is_empty()),
            })
            .collect(),
    }
}

/// A mere warning takes none.
fn takes_money(status: &api::DisputeStatus) -> bool {
    matches!(status.as_str(), "needs_response" | "under_review" | "lost" | "won")
}

impl From<api::CheckoutSession> for Checkout {
    fn from(session: api::CheckoutSession) -> Self {
        let metadata = session.metadata.unwrap_or_default();
        let pack = metadata.get("pack").zip(metadata.get("credit_nanos"));
        Self {
            id: session.id.to_string(),
            customer_id: session.customer.map(|customer| customer.into_id().to_string()),
            state: match (session.status, session.payment_status) {
                (Some(api::CheckoutSessionStatus::Open), _) => CheckoutState::Open,
                (Some(api::CheckoutSessionStatus::Expired), _) => CheckoutState::Expired,
                (_, api::CheckoutSessionPaymentStatus::Unpaid) => CheckoutState::Unpaid,
                _ => CheckoutState::Paid,
            },
            url: session.url,
            pack: pack.and_then(|(key, nanos)| Some((key.clone(), nanos.parse().ok()?))),
            payment_intent_id: session.payment_intent.map(|intent| intent.into_id().to_string()),
            amount_cents: session.amount_total.unwrap_or_default(),
            created_at: time(session.created),
        }
    }
}

impl From<stripe_misc::WebhookEndpoint> for WebhookEndpoint {
    fn from(endpoint: stripe_misc::WebhookEndpoint) -> Self {
        Self {
            id: endpoint.id.to_string(),
            url: endpoint.url,
            is_enabled: endpoint.status == "enabled",
            api_version: endpoint.api_version,
            events: endpoint.enabled_events,
        }
    }
}
