//! What credit a customer's payments give, and what refunds take back: all of it, every time, from what Stripe has. Each
//! change has a cause of its own, so that making it twice does nothing.
//!
//! A payment for a period gives the plan's credit for each month of it. An upgrade gives the difference to the most
//! this month has given, for the rest of the month, so going back and forth gives nothing.

use std::collections::VecDeque;

use app::types::Nanos;
use chrono::{DateTime, Months, TimeDelta, Utc};

use super::money_back::money_back;
use super::prices::PriceBook;
use crate::config::PaidPlan;
use crate::pricing::Part;
use crate::providers::stripe::{
    CheckoutState, Customer, Invoice, InvoiceLine, Subscription, SubscriptionStatus,
};
use crate::store::ledger::{Advance, CreditChange};

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
            later_months: VecDeque::new(),
            is_running: false,
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
    /// The months of a year that come after the last invoice.
    later_months: VecDeque<LaterMonth<'a>>,
    /// That year is the period that runs.
    is_running: bool,
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

/// A month of a year, after the first.
struct LaterMonth<'a> {
    invoice: &'a Invoice,
    plan: &'a PaidPlan,
    cause: String,
    start: DateTime<Utc>,
    end: DateTime<Utc>,
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
        self.give_later_months(self.at);
        self.end();
    }

    /// A period begins. One that costs nothing, as a trial, gives nothing.
    fn cycle(&mut self, invoice: &'a Invoice) {
        let line = invoice.lines.iter().filter(|line| !line.is_proration && line.amount_cents > 0);
        let Some((line, plan)) = self.newest(line) else { return };
        self.give_later_months(line.start);
        if invoice.status == "paid" {
            self.give_period(invoice, line, plan);
        } else {
            self.give_grace(invoice, line, plan);
        }
        self.enter(line.start, line.end, plan.plan.monthly_credit);
    }

    /// The plan changes within a period, or another period begins: with a change, or because a trial was ended early or a
    /// pause is over.
    fn update(&mut self, invoice: &'a Invoice) {
        let line = invoice.lines.iter().filter(|line| line.amount_cents > 0);
        let Some((line, plan)) = self.newest(line) else { return };
        let credit = plan.plan.monthly_credit;
        self.give_later_months(line.start);
        let Some(month) = self.month_at(line.start) else {
            if !line.is_proration {
                self.give_period(invoice, line, plan);
                self.enter(line.start, line.end, credit);
            }
            return;
        };
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
            self.give_months(invoice, line, plan, first, vec![]);
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

    /// The whole credit of a period, in the place of all that was given before it.
    fn give_period(&mut self, invoice: &'a Invoice, line: &InvoiceLine, plan: &'a PaidPlan) {
        let replaces = self.given.clone();
        self.give_months(invoice, line, plan, plan.plan.monthly_credit, replaces);
    }

    /// The credit of a period's first month; that of later ones is given when they begin.
    fn give_months(
        &mut self,
        invoice: &'a Invoice,
        line: &InvoiceLine,
        plan: &'a PaidPlan,
        first: Nanos,
        replaces: Vec<String>,
    ) {
        let months = months(line.start, line.end);
        let cause = match months.len() {
            1 => format!("invoice:{}", invoice.id),
            _ => month_cause(invoice, 0),
        };
        let end = months[0].1;
        self.give(Gift { invoice, cause, amount: first, end, plan, is_advanced: true, replaces });
        let later = months.into_iter().enumerate().skip(1);
        self.later_months = later
            .map(|(number, (start, end))| LaterMonth {
                invoice,
                plan,
                cause: month_cause(invoice, number),
                start,
                end,
            })
            .collect();
        self.is_running = self.subscription.period_start == line.start && self.subscription.status.is_live();
    }

    /// The credit of the months of a year that have begun by then, each in the place of all that was given before it: so an
    /// upgrade's credit ends with its month.
    fn give_later_months(&mut self, by: DateTime<Utc>) {
        while let Some(month) = self.later_months.pop_front_if(|month| month.start <= by) {
            let LaterMonth { invoice, plan, cause, end, .. } = month;
            if !self.is_running {
                // What was paid for another period, now over or given up, gives no more months. Those it gave may live.
                self.take_money_back(invoice, &cause);
                self.given.push(cause);
                continue;
            }
            let current = self.prices.plan_of(&self.subscription.price.product_id).unwrap_or(plan);
            let (amount, replaces) = (current.plan.monthly_credit, self.given.clone());
            self.give(Gift { invoice, cause, amount, end, plan, is_advanced: false, replaces });
        }
    }

    /// A smaller credit while the payment for a period is due; the period's credit is less by it once it is paid.
    fn give_grace(&mut self, invoice: &'a Invoice, line: &InvoiceLine, plan: &'a PaidPlan) {
        let Advance { cause, taken_cause } = advance_of(invoice);
        let is_given_up = invoice.status != "open" || !self.subscription.status.is_live();
        if is_given_up {
            self.changes.push(CreditChange::TakeBack {
                cause: taken_cause,
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
        let advance = Some(advance_of(invoice)).filter(|_| is_advanced);
        let advanced = advance.as_ref().map(|advance| advance.cause.clone());
        self.changes.push(CreditChange::Give {
            cause: cause.clone(),
            amount,
            expires_at: Some(expires_at),
            advance,
            replaces,
        });
        for grant in advanced.iter().chain([&cause]) {
            self.take_money_back(invoice, grant);
        }
        self.given.push(cause);
    }

    /// Takes back of a grant what went back of what was paid for it.
    fn take_money_back(&mut self, invoice: &Invoice, grant_cause: &str) {
        let back = money_back(self.customer, &invoice.payment_intent_ids, invoice.total_cents);
        self.changes.extend(back.iter().map(|back| back.credit_change(grant_cause, &invoice.id)));
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

fn month_cause(invoice: &Invoice, number: usize) -> String {
    format!("invoice:{}:month:{number}", invoice.id)
}

/// What is given before an invoice is paid, and taken back when it is given up.
fn advance_of(invoice: &Invoice) -> Advance {
    Advance { cause: format!("grace:{}", invoice.id), taken_cause: format!("unpaid:{}", invoice.id) }
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
        let back = money_back(customer, &paid_with, checkout.amount_cents);
        changes.extend(back.iter().map(|back| back.credit_change(&cause, &checkout.id)));
    }
    changes
}

#[cfg(test)]
pub(super) mod tests;
