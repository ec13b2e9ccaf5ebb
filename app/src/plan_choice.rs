//! What a reader can do about each plan that is offered.

use chrono::{DateTime, Utc};

use crate::types::{Billing, Interval, Offers, PlanOffer, Price, Subscription};

/// Who looks at the offers.
#[derive(Clone, Copy, Debug)]
pub enum Reader<'a> {
    SignedOut,
    SignedIn(&'a Billing),
}

/// The one way on from a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanChoice {
    SignIn,
    /// It cannot be bought here, or not at this interval.
    Closed,
    Current,
    /// It follows the current plan, from then on.
    Planned(DateTime<Utc>),
    Subscribe,
    /// Another plan or interval instead of the one subscribed to.
    Change,
    /// Free, instead of the plan subscribed to.
    Cancel,
    /// An invoice has to be paid before anything can be changed.
    PayFirst,
    /// The plan is about to end or to change. That has to be taken back before anything else can be chosen.
    KeepFirst,
}

impl PlanChoice {
    pub fn new(offers: &Offers, offer: &PlanOffer, interval: Interval, reader: Reader) -> Self {
        let is_free = is_free(offer);
        let is_for_sale = offers.is_open && price(offer, interval).is_some();
        match reader {
            _ if !is_free && !is_for_sale => Self::Closed,
            Reader::SignedOut => Self::SignIn,
            Reader::SignedIn(billing) => match &billing.subscription {
                None if is_free => Self::Current,
                None => Self::Subscribe,
                Some(current) => Self::instead_of(current, offer, interval, billing.standing.needs_payment()),
            },
        }
    }

    fn instead_of(current: &Subscription, offer: &PlanOffer, interval: Interval, is_unpaid: bool) -> Self {
        let is_free = is_free(offer);
        if current.plan_key == offer.plan.key && current.interval == interval {
            return Self::Current;
        }
        let planned = current.changes_to.as_ref();
        let planned = planned.filter(|to| to.plan_key == offer.plan.key && to.interval == interval);
        match (planned.map(|to| to.at), current.ends_at) {
            (Some(at), _) => Self::Planned(at),
            (None, Some(at)) if is_free => Self::Planned(at),
            _ if is_free => Self::Cancel,
            _ if is_unpaid => Self::PayFirst,
            _ if current.ends_at.is_some() || current.changes_to.is_some() => Self::KeepFirst,
            _ => Self::Change,
        }
    }
}

pub fn is_free(offer: &PlanOffer) -> bool {
    offer.prices.is_empty()
}

/// What an offer costs at this interval.
pub fn price(offer: &PlanOffer, interval: Interval) -> Option<Price> {
    offer.prices.iter().copied().find(|price| price.interval == interval)
}

/// What twelve monthly payments cost more than one yearly one, in cents.
pub fn yearly_saving(offer: &PlanOffer) -> Option<u32> {
    let [month, year] = [Interval::Month, Interval::Year].map(|interval| price(offer, interval));
    let saving = (month?.amount_cents * 12).checked_sub(year?.amount_cents)?;
    (saving > 0).then_some(saving)
}

/// Whether a change takes effect at once, as what gives more does. What gives less, or is paid more often, waits for the
/// end of the period that is paid for.
pub fn begins_at_once(offers: &Offers, current: &Subscription, plan_key: &str, interval: Interval) -> bool {
    let rank = |key: &str| offers.plans.iter().position(|offer| offer.plan.key == key);
    let is_less = rank(&current.plan_key) > rank(plan_key);
    let is_shorter = (current.interval, interval) == (Interval::Year, Interval::Month);
    !is_less && !is_shorter
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::types::{Nanos, Plan, PlannedChange, Standing};

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_000_000, 0).expect("a time")
    }

    fn offer(key: &str, month_cents: Option<u32>) -> PlanOffer {
        let plan = Plan {
            key: key.to_owned(),
            name: key.to_owned(),
            requests_per_minute: 5,
            requests_per_day: 100,
            tokens_per_minute: 20_000,
            concurrent_replies: 2,
            default_output_tokens: 4_096,
            monthly_credit: Nanos::from_cents(50),
            monthly_cap: None,
            thread_cap: None,
            overage_max: None,
        };
        let price = |interval, amount_cents| Price { interval, amount_cents };
        let both = |cents| vec![price(Interval::Month, cents), price(Interval::Year, cents * 10)];
        PlanOffer { plan, prices: month_cents.map(both).unwrap_or_default(), models: vec![] }
    }

    fn offers() -> Offers {
        let plans = vec![offer("free", None), offer("pro", Some(2_000)), offer("max", Some(10_000))];
        Offers { is_open: true, plans, packs: vec![] }
    }

    fn subscribed(plan_key: &str) -> Billing {
        let subscription = Subscription {
            plan_key: plan_key.to_owned(),
            plan_name: plan_key.to_owned(),
            interval: Interval::Month,
            amount_cents: 2_000,
            renews_at: now(),
            ends_at: None,
            changes_to: None,
            unpaid_change_url: None,
        };
        let standing = Standing::Active;
        Billing {
            standing,
            subscription: Some(subscription),
            card: None,
            invoices: vec![],
            packs: vec![],
            overage: None,
            plan_override: None,
        }
    }

    fn choices(billing: &Billing, interval: Interval) -> Vec<PlanChoice> {
        let offers = offers();
        let choose = |offer| PlanChoice::new(&offers, offer, interval, Reader::SignedIn(billing));
        offers.plans.iter().map(choose).collect()
    }

    #[test]
    fn a_visitor_signs_in_first_and_nothing_is_sold_where_payments_are_closed() {
        let choose = |offers: &Offers, offer| {
            PlanChoice::new(offers, &offers.plans[offer], Interval::Month, Reader::SignedOut)
        };
        assert_eq!(choose(&offers(), 1), PlanChoice::SignIn);
        let closed = Offers { is_open: false, ..offers() };
        assert_eq!([choose(&closed, 0), choose(&closed, 1)], [PlanChoice::SignIn, PlanChoice::Closed]);
    }

    #[test]
    fn a_subscriber_sees_each_way_on() {
        use PlanChoice::{Cancel, Change, Current, KeepFirst, PayFirst, Planned, Subscribe};
        let free = Billing { subscription: None, standing: Standing::Free, ..subscribed("pro") };
        assert_eq!(choices(&free, Interval::Month), [Current, Subscribe, Subscribe]);
        let mut billing = subscribed("pro");
        assert_eq!(choices(&billing, Interval::Month), [Cancel, Current, Change]);
        assert_eq!(choices(&billing, Interval::Year), [Cancel, Change, Change]);
        billing.standing = Standing::Frozen { since: now() };
        assert_eq!(choices(&billing, Interval::Month), [Cancel, Current, PayFirst]);
        let at = now() + TimeDelta::days(9);
        billing = subscribed("max");
        let subscription = billing.subscription.as_mut().expect("a subscription");
        subscription.changes_to = Some(PlannedChange {
            plan_key: "pro".to_owned(),
            plan_name: "Pro".to_owned(),
            interval: Interval::Month,
            amount_cents: 2_000,
            at,
        });
        assert_eq!(choices(&billing, Interval::Month), [Cancel, Planned(at), Current]);
        assert_eq!(choices(&billing, Interval::Year), [Cancel, KeepFirst, KeepFirst]);
        let subscription = billing.subscription.as_mut().expect("a subscription");
        (subscription.changes_to, subscription.ends_at) = (None, Some(at));
        assert_eq!(choices(&billing, Interval::Month), [Planned(at), KeepFirst, Current]);
    }

    #[test]
    fn more_begins_at_once_and_less_at_the_end_of_the_period() {
        let billing = subscribed("pro");
        let current = billing.subscription.expect("a subscription");
        let at_once = |key, interval| begins_at_once(&offers(), &current, key, interval);
        assert!(at_once("max", Interval::Month) && at_once("pro", Interval::Year));
        let yearly = Subscription { interval: Interval::Year, ..current.clone() };
        for key in ["pro", "max"] {
            assert!(!begins_at_once(&offers(), &yearly, key, Interval::Month), "{key}");
        }
        assert!(!at_once("free", Interval::Month));
    }

    #[test]
    fn the_saving_of_a_year_is_told_only_where_there_is_one() {
        let mut pro = offer("pro", Some(2_000));
        assert_eq!(yearly_saving(&pro), Some(4_000));
        pro.prices[1].amount_cents = 24_000;
        assert_eq!(yearly_saving(&pro), None);
        assert_eq!(yearly_saving(&offer("free", None)), None);
    }
}
