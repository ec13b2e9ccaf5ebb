//! What credit a customer's payments give, and what refunds take back: all of it, every time, from what Stripe has. Each
//! change has a cause of its own, so that making it twice does nothing.
//!
//! A payment for a period gives the plan's credit for each month of it. An upgrade gives the difference to the most
//! this month has given, for the rest of the month, so going back and forth gives nothing.

use app::types::Nanos;
use chrono::{DateTime, Months, TimeDelta, Utc};

use super::money_back::money_back;
use super::prices::PriceBook;
use crate::config::PaidPlan;
use crate::pricing::Part;
use crate::providers::stripe::{
    CheckoutState, Customer, Invoice, InvoiceLine, Subscription, SubscriptionStatus,
};
use crate::store::ledger::CreditChange;

/// A longer period is given credit for by the month.
const LONGEST_MONTH: TimeDelta = TimeDelta::days(40);

pub(super) fn credit_changes(
    customer: &Customer,
    prices: &PriceBook,
    at: DateTime<Utc>,
) -> Vec<CreditChange> {
    let mut changes = Vec::new();
    for subscription in &customer.subscriptions {
        let mut walk = Walk {
            customer,
            subscription,
            prices,
            at,
            month: None,
            given: Vec::new(),
            changes: &mut changes,
        };
        walk.run();
    }
    changes.extend(pack_changes(customer));
    changes
}

/// The months of a period that is paid for.
pub(super) fn months(start: DateTime<Utc>, end: DateTime<Utc>) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
    if end - start <= LONGEST_MONTH {
        return vec![(start, end)];
    }
    let starts = (0..).map_while(|number| start.checked_add_months(Months::new(number)));
    let starts: Vec<_> = starts.take_while(|start| *start < end).collect();
    let ends = starts.iter().skip(1).copied().chain([end]);
    starts.iter().copied().zip(ends).collect()
}

/// Through the invoices of a subscription, oldest first.
struct Walk<'a> {
    customer: &'a Customer,
    subscription: &'a Subscription,
    prices: &'a PriceBook,
    at: DateTime<Utc>,
    /// The month the last invoice is in.
    month: Option<Month>,
    /// The causes of credit that may live.
    given: Vec<String>,
    changes: &'a mut Vec<CreditChange>,
}

/// A month with credit.
#[derive(Clone, Copy)]
struct Month {
    start: DateTime<Utc>,
    end: DateTime<Utc>,
    /// The period it belongs to.
    period: (DateTime<Utc>, DateTime<Utc>),
    /// The credit of a whole month on the highest plan there was in it.
    most: Nanos,
    /// And on the last one.
    last: Nanos,
}

/// A grant to be.
struct Gift<'a> {
    invoice: &'a Invoice,
    cause: String,
    amount: Nanos,
    end: DateTime<Utc>,
    plan: &'a PaidPlan,
    is_advanced: bool,
    replaces: Vec<String>,
}

impl<'a> Walk<'a> {
    fn run(&mut self) {
        let of_this = |invoice: &&Invoice| invoice.subscription_id.as_ref() == Some(&self.subscription.id);
        let mut invoices: Vec<_> = self.customer.invoices.iter().filter(of_this).collect();
        invoices.sort_by(|one, other| (one.created_at, &one.id).cmp(&(other.created_at, &other.id)));
        for invoice in invoices {
            match invoice.billing_reason.as_deref() {
                Some("subscription_create" | "subscription_cycle") => self.cycle(invoice),
                Some("subscription_update") if invoice.status == "paid" => self.update(invoice),
                _ => {}
            }
        }
        self.end();
    }

    /// A period begins. One that costs nothing, as a trial, gives nothing.
    fn cycle(&mut self, invoice: &'a Invoice) {
        let line = invoice.lines.iter().filter(|line| !line.is_proration && line.amount_cents > 0);
        let Some((line, plan)) = self.newest(line) else { return };
        if invoice.status == "paid" {
            self.give_months(invoice, line.start, line.end, plan, plan.plan.monthly_credit);
        } else {
            self.give_grace(invoice, line, plan);
        }
        self.enter(line.start, line.end, plan.plan.monthly_credit);
    }

    /// The plan changes within a period, or another period begins with it.
    fn update(&mut self, invoice: &'a Invoice) {
        let line = invoice.lines.iter().filter(|line| line.amount_cents > 0);
        let Some((line, plan)) = self.newest(line) else { return };
        let credit = plan.plan.monthly_credit;
        let Some(month) = self.month_at(line.start) else { return };
        let rest = Part::new((month.end - line.start).num_seconds(), (month.end - month.start).num_seconds());
        if line.end == month.period.1 {
            let amount = rest.of((credit - month.most).or_zero());
            self.give(Gift {
                invoice,
                cause: format!("invoice:{}", invoice.id),
                amount,
                end: month.end,
                plan,
                is_advanced: false,
                replaces: vec![],
            });
            self.month = Some(Month { most: month.most.max(credit), last: credit, ..month });
        } else {
            // Another interval: what the rest of the month would have had is given already.
            let first = (credit - rest.of(month.most)).or_zero();
            self.give_months(invoice, line.start, line.end, plan, first);
            self.enter(line.start, line.end, month.most.max(credit));
        }
    }

    /// The newest of some lines that are of a plan of ours.
    fn newest(
        &self,
        lines: impl Iterator<Item = &'a InvoiceLine>,
    ) -> Option<(&'a InvoiceLine, &'a PaidPlan)> {
        let of_plan = lines.filter_map(|line| Some((line, self.prices.plan_of(line.product_id.as_ref()?)?)));
        of_plan.max_by_key(|(line, _)| (line.end, line.start))
    }

    /// The credit of a period, month by month, as far as the months have begun.
    fn give_months(
        &mut self,
        invoice: &'a Invoice,
        start: DateTime<Utc>,
        end: DateTime<Utc>,
        plan: &'a PaidPlan,
        first: Nanos,
    ) {
        let months = months(start, end);
        let is_by_month = months.len() > 1;
        // What was paid for another period, now over or given up, gives no more months.
        let is_running = self.subscription.period_start == start && self.subscription.status.is_live();
        for (number, (month_start, month_end)) in months.into_iter().enumerate() {
            if number > 0 && (!is_running || month_start > self.at) {
                break;
            }
            let current = self.prices.plan_of(&self.subscription.price.product_id).unwrap_or(plan);
            let replaces = if invoice.billing_reason.as_deref() == Some("subscription_update") && number == 0
            {
                vec![]
            } else {
                self.given.clone()
            };
            self.give(Gift {
                invoice,
                cause: match is_by_month {
                    true => format!("invoice:{}:month:{number}", invoice.id),
                    false => format!("invoice:{}", invoice.id),
                },
                amount: if number == 0 { first } else { current.plan.monthly_credit },
                end: month_end,
                plan,
                is_advanced: number == 0,
                replaces,
            });
        }
    }

    /// A smaller credit while the payment for a period is due; the period's credit is less by it once it is paid.
    fn give_grace(&mut self, invoice: &'a Invoice, line: &InvoiceLine, plan: &'a PaidPlan) {
        let cause = format!("grace:{}", invoice.id);
        let is_given_up = invoice.status != "open" || !self.subscription.status.is_live();
        if is_given_up {
            self.changes.push(CreditChange::TakeBack {
                cause: format!("unpaid:{}", invoice.id),
                grant_cause: cause,
                part: Part::ALL,
            });
            return;
        }
        let Some(due) = invoice.finalized_at else { return };
        if self.subscription.status == SubscriptionStatus::PastDue && self.at < due + plan.grace {
            self.changes.push(CreditChange::Give {
                cause: cause.clone(),
                amount: plan.grace_credit,
                expires_at: Some(line.end + plan.grace),
                advance: None,
                replaces: self.given.clone(),
            });
        }
        // Also of one that is passed over: what is paid after it takes its place.
        self.given.push(cause);
    }

    fn give(&mut self, gift: Gift<'_>) {
        let Gift { invoice, cause, amount, end, plan, is_advanced, replaces } = gift;
        // Whoever pays late has a while to use it, too.
        let expires_at = invoice.paid_at.map_or(end, |paid| paid.max(end)) + plan.grace;
        if expires_at <= self.at {
            return;
        }
        let back = money_back(self.customer, &invoice.payment_intent_ids);
        let grace = format!("grace:{}", invoice.id);
        self.changes.push(CreditChange::Give {
            cause: cause.clone(),
            amount,
            expires_at: Some(expires_at),
            advance: is_advanced.then(|| (grace.clone(), plan.grace_credit)),
            replaces,
        });
        let grants = is_advanced.then_some(&grace).into_iter().chain([&cause]);
        for (grant, back) in grants.flat_map(|grant| back.iter().map(move |back| (grant, back))) {
            self.changes.push(back.credit_change(grant, &invoice.id));
        }
        self.given.push(cause);
    }

    fn enter(&mut self, start: DateTime<Utc>, period_end: DateTime<Utc>, credit: Nanos) {
        let (_, end) = months(start, period_end)[0];
        self.month = Some(Month { start, end, period: (start, period_end), most: credit, last: credit });
    }

    /// The month of the current period that a moment is in.
    fn month_at(&self, at: DateTime<Utc>) -> Option<Month> {
        let month = self.month?;
        if at < month.end {
            return Some(month);
        }
        let (start, end) = months(month.period.0, month.period.1).into_iter().find(|(_, end)| at < *end)?;
        Some(Month { start, end, most: month.last, ..month })
    }

    /// With a subscription that has run to its end, its credit ends.
    fn end(&mut self) {
        let is_over = !self.subscription.status.is_live() && self.subscription.period_end <= self.at;
        let given = std::mem::take(&mut self.given);
        if is_over {
            self.changes.extend(given.into_iter().map(|grant_cause| CreditChange::End { grant_cause }));
        }
    }
}

fn pack_changes(customer: &Customer) -> Vec<CreditChange> {
    let mut changes = Vec::new();
    for checkout in customer.checkouts.iter().filter(|checkout| checkout.state == CheckoutState::Paid) {
        let Some((_, credit)) = &checkout.pack else { continue };
        let cause = format!("pack:{}", checkout.id);
        changes.push(CreditChange::Give {
            cause: cause.clone(),
            amount: Nanos(*credit),
            expires_at: None,
            advance: None,
            replaces: vec![],
        });
        let paid_with: Vec<_> = checkout.payment_intent_id.iter().cloned().collect();
        changes.extend(
            money_back(customer, &paid_with).iter().map(|back| back.credit_change(&cause, &checkout.id)),
        );
    }
    changes
}

#[cfg(test)]
pub(super) mod tests;
