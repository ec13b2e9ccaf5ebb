//! Money that went back to a customer, by refund or dispute.

use crate::pricing::Part;
use crate::providers::stripe::{Charge, Customer, MoneyBack};
use crate::store::ledger::CreditChange;
use crate::store::money_back::MoneyBackRow;

/// Money that went back, and what it was a part of.
pub(super) struct Back<'a> {
    kind: &'static str,
    money: &'a MoneyBack,
    /// In cents.
    whole: i64,
}

impl Back<'_> {
    fn part(&self) -> Part {
        Part::new(self.money.amount_cents, self.whole)
    }

    /// What it does to a grant, or undoes: a refund that failed and a dispute that was won give back what they had taken.
    /// `object_id`: of what was paid. Each grant has a cause of its own: `refund:ID` and `refund:ID:month:2`.
    pub(super) fn credit_change(&self, grant_cause: &str, object_id: &str) -> CreditChange {
        let (kind, rest) = grant_cause.split_once(object_id).unwrap_or((grant_cause, ""));
        let kind = if kind == "grace:" { ":grace" } else { "" };
        let taken_cause = format!("{}:{}{kind}{rest}", self.kind, self.money.id);
        let (grant_cause, part) = (grant_cause.to_owned(), self.part());
        match self.money.came_back {
            false => CreditChange::TakeBack { cause: taken_cause, grant_cause, part },
            true => {
                let how = if self.kind == "refund" { "failed" } else { "won" };
                let cause = format!("{}:{}:{how}{kind}{rest}", self.kind, self.money.id);
                CreditChange::GiveBack { cause, taken_cause, grant_cause, part }
            }
        }
    }
}

/// What went back of what was paid like this, oldest first. `price_cents`: what it cost, of which less may have been charged,
/// because the customer had a balance at Stripe.
pub(super) fn money_back<'a>(
    customer: &'a Customer,
    payment_intents: &[String],
    price_cents: i64,
) -> Vec<Back<'a>> {
    let is_of = |charge: &&Charge| {
        charge.payment_intent_id.as_ref().is_some_and(|intent| payment_intents.contains(intent))
    };
    let mut back: Vec<_> = customer
        .charges
        .iter()
        .filter(is_of)
        .flat_map(|charge| {
            let whole = charge.amount_cents.max(price_cents);
            let back = move |kind| move |money| Back { kind, money, whole };
            charge.refunds.iter().map(back("refund")).chain(charge.disputes.iter().map(back("dispute")))
        })
        .collect();
    back.sort_by_key(|back| back.money.created_at);
    back
}

/// All that went back to a customer, to be written down.
pub(super) fn money_back_rows(customer: &Customer) -> Vec<MoneyBackRow> {
    let row = |kind: &str, money: &MoneyBack| MoneyBackRow {
        id: money.id.clone(),
        kind: kind.to_owned(),
        amount_cents: money.amount_cents,
        status: money.status.clone(),
        reason: money.reason.clone(),
        created_at: money.created_at,
    };
    let of_charge = |charge: &Charge| -> Vec<MoneyBackRow> {
        let refunds = charge.refunds.iter().map(|refund| row("refund", refund));
        refunds.chain(charge.disputes.iter().map(|dispute| row("dispute", dispute))).collect()
    };
    customer.charges.iter().flat_map(of_charge).collect()
}

/// How much was given back, in cents. What is disputed is gone as long as it is disputed.
pub(super) fn refunded_cents(customer: &Customer, payment_intents: &[String]) -> i64 {
    let back = money_back(customer, payment_intents, 0);
    back.iter().filter(|back| !back.money.came_back).map(|back| back.money.amount_cents).sum()
}
