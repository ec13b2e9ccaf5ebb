use std::collections::BTreeMap;

use app::types::Interval;

use super::super::money_back::refunded_cents;
use super::*;
use crate::config::PlansConfig;
use crate::providers::stripe::{Charge, Checkout, MoneyBack, Price};
use crate::services::plans::Plans;

/// Pro gives $15 a month and $2 in grace, Max $80: as in `plans.toml`.
fn prices() -> PriceBook {
    let plans = PlansConfig::from_env(&Default::default()).expect("valid");
    let price = |key: &str, lookup_key: &str, interval| Price {
        id: format!("price_{lookup_key}"),
        product_id: format!("plumbline_{key}"),
        lookup_key: Some(lookup_key.to_owned()),
        amount_cents: 0,
        is_in_dollars: true,
        interval: Some(interval),
        metered: None,
    };
    let prices = plans.paid.iter().flat_map(|paid| {
        paid.prices.iter().map(|each| price(&paid.plan.key, &each.lookup_key, each.interval))
    });
    PriceBook::new(Plans::new(&plans), prices.collect())
}

fn at(text: &str) -> DateTime<Utc> {
    format!("{text}T00:00:00Z").parse().expect("a time")
}

pub(in crate::services::billing) fn subscription(key: &str, start: &str, end: &str) -> Subscription {
    Subscription {
        id: "sub".to_owned(),
        customer_id: "cus".to_owned(),
        status: SubscriptionStatus::Active,
        created_at: at("2026-01-01"),
        item_id: "si".to_owned(),
        price: Price {
            id: "price".to_owned(),
            product_id: format!("plumbline_{key}"),
            lookup_key: None,
            amount_cents: 0,
            is_in_dollars: true,
            interval: Some(Interval::Month),
            metered: None,
        },
        metered: None,
        period_start: at(start),
        period_end: at(end),
        ends_at: None,
        schedule: None,
        card: None,
        pending_update: None,
        latest_invoice_id: None,
    }
}

fn line(key: &str, amount_cents: i64, start: &str, end: &str) -> InvoiceLine {
    let product_id = Some(format!("plumbline_{key}"));
    InvoiceLine { product_id, amount_cents, is_proration: false, start: at(start), end: at(end) }
}

/// Paid on the day it is made, with a payment of its own.
pub(in crate::services::billing) fn invoice(
    id: &str,
    reason: &str,
    day: &str,
    lines: Vec<InvoiceLine>,
) -> Invoice {
    Invoice {
        id: id.to_owned(),
        number: None,
        status: "paid".to_owned(),
        billing_reason: Some(format!("subscription_{reason}")),
        subscription_id: Some("sub".to_owned()),
        total_cents: lines.iter().map(|line| line.amount_cents).sum(),
        created_at: at(day),
        finalized_at: Some(at(day)),
        paid_at: Some(at(day)),
        attempts: 1,
        next_attempt_at: None,
        lines,
        payment_intent_ids: vec![format!("pi_{id}")],
        url: None,
        pdf_url: None,
    }
}

pub(in crate::services::billing) fn customer(subscription: Subscription, invoices: Vec<Invoice>) -> Customer {
    Customer { subscriptions: vec![subscription], invoices, ..Customer::default() }
}

/// Of all that was charged, or of a part.
fn refund(of: &str, id: &str, (cents, charged): (i64, i64), day: &str) -> Charge {
    Charge {
        payment_intent_id: Some(format!("pi_{of}")),
        amount_cents: charged,
        receipt_url: None,
        refunds: vec![MoneyBack {
            id: id.to_owned(),
            amount_cents: cents,
            created_at: at(day),
            came_back: false,
            status: "succeeded".to_owned(),
            reason: None,
        }],
        disputes: vec![],
    }
}

fn changes(customer: &Customer, day: &str) -> Vec<CreditChange> {
    credit_changes(customer, &prices(), at(day))
}

/// What is given, in cents, by cause.
fn given(changes: &[CreditChange]) -> BTreeMap<String, i64> {
    let gift = |change: &CreditChange| match change {
        CreditChange::Give { cause, amount, .. } => Some((cause.clone(), amount.0 / 10_000_000)),
        _ => None,
    };
    changes.iter().filter_map(gift).collect()
}

/// What is taken back: cause, of which grant.
fn taken(changes: &[CreditChange]) -> Vec<(String, String)> {
    let back = |change: &CreditChange| match change {
        CreditChange::TakeBack { cause, grant_cause, .. } => Some((cause.clone(), grant_cause.clone())),
        _ => None,
    };
    changes.iter().filter_map(back).collect()
}

/// What ends when this is given.
fn replaced_by<'a>(changes: &'a [CreditChange], wanted: &str) -> &'a [String] {
    let gift = changes.iter().find_map(|change| match change {
        CreditChange::Give { cause, replaces, .. } if cause == wanted => Some(replaces.as_slice()),
        _ => None,
    });
    gift.unwrap_or_else(|| panic!("{wanted} is not given: {changes:?}"))
}

fn pairs(expected: &[(&str, i64)]) -> BTreeMap<String, i64> {
    expected.iter().map(|(cause, cents)| ((*cause).to_owned(), *cents)).collect()
}

#[test]
fn each_paid_month_gives_the_plans_credit_and_ends_that_of_the_month_before() {
    let first = invoice("in_1", "create", "2026-03-01", vec![line("pro", 2000, "2026-03-01", "2026-04-01")]);
    let second = invoice("in_2", "cycle", "2026-04-01", vec![line("pro", 2000, "2026-04-01", "2026-05-01")]);
    let customer = customer(subscription("pro", "2026-04-01", "2026-05-01"), vec![second, first]);
    let changes = changes(&customer, "2026-04-01");
    assert_eq!(given(&changes), pairs(&[("invoice:in_1", 1500), ("invoice:in_2", 1500)]));
    let CreditChange::Give { expires_at, replaces, .. } = &changes[1] else { panic!("{changes:?}") };
    assert_eq!(*expires_at, Some(at("2026-05-08")), "a week of grace beyond the period");
    assert_eq!(*replaces, ["invoice:in_1"]);
}

#[test]
fn a_year_gives_credit_by_the_month_while_it_runs() {
    let year = |day| invoice("in_1", "create", day, vec![line("pro", 20_000, "2026-01-31", "2027-01-31")]);
    let running = customer(subscription("pro", "2026-01-31", "2027-01-31"), vec![year("2026-01-31")]);
    let third = changes(&running, "2026-04-01");
    let alive = given(&third).into_keys().collect::<Vec<_>>();
    assert_eq!(alive, ["invoice:in_1:month:1", "invoice:in_1:month:2"], "the first month's has ended by now");
    assert_eq!(months(at("2026-01-31"), at("2027-01-31")).len(), 12);
    assert_eq!(months(at("2026-01-31"), at("2027-01-31"))[1], (at("2026-02-28"), at("2026-03-31")));

    let ended = Subscription { status: SubscriptionStatus::Canceled, ..running.subscriptions[0].clone() };
    let ended = customer(ended, vec![year("2026-01-31")]);
    assert_eq!(given(&changes(&ended, "2026-04-01")), pairs(&[]), "no more months once it is cancelled");
}

#[test]
fn what_was_used_beyond_credit_is_billed_and_gives_none() {
    let used = line("overage", 50_000, "2026-04-01", "2026-05-01");
    let first = invoice("in_1", "create", "2026-04-01", vec![line("pro", 2000, "2026-04-01", "2026-05-01")]);
    let renewed = line("pro", 2000, "2026-05-01", "2026-06-01");
    let second = invoice("in_2", "cycle", "2026-05-01", vec![used.clone(), renewed]);
    let last = invoice("in_3", "cycle", "2026-06-01", vec![used]);
    let running = customer(subscription("pro", "2026-05-01", "2026-06-01"), vec![last, second, first]);
    let given = given(&changes(&running, "2026-05-02"));
    assert_eq!((given.get("invoice:in_2"), given.get("invoice:in_3")), (Some(&1500), None));
}

/// (33)
#[test]
fn an_upgrade_gives_the_difference_for_the_rest_of_the_month_and_going_back_and_forth_gives_nothing() {
    let first = invoice("in_1", "create", "2026-04-01", vec![line("pro", 2000, "2026-04-01", "2026-05-01")]);
    let change = |id: &str, from: &str, to: &str, day: &str| {
        let lines = vec![line(from, -1000, day, "2026-05-01"), line(to, 1500, day, "2026-05-01")];
        invoice(id, "update", day, lines)
    };
    let up = change("in_2", "pro", "max", "2026-04-16");
    let down = change("in_3", "max", "pro", "2026-04-17");
    let up_again = change("in_4", "pro", "max", "2026-04-18");
    let customer = customer(subscription("max", "2026-04-01", "2026-05-01"), vec![first, up, down, up_again]);
    let given = given(&changes(&customer, "2026-04-18"));
    let expected = [("invoice:in_1", 1500), ("invoice:in_2", 3250), ("invoice:in_3", 0), ("invoice:in_4", 0)];
    assert_eq!(given, pairs(&expected), "half a month of $65 once");
}

#[test]
fn a_change_from_monthly_to_yearly_counts_what_the_month_has_given() {
    let first = invoice("in_1", "create", "2026-04-01", vec![line("pro", 2000, "2026-04-01", "2026-05-01")]);
    let lines =
        vec![line("pro", -1000, "2026-04-16", "2026-05-01"), line("pro", 20_000, "2026-04-16", "2027-04-16")];
    let yearly = invoice("in_2", "update", "2026-04-16", lines);
    let customer = customer(subscription("pro", "2026-04-16", "2027-04-16"), vec![first, yearly]);
    assert_eq!(
        given(&changes(&customer, "2026-05-16")),
        pairs(&[("invoice:in_2:month:0", 750), ("invoice:in_2:month:1", 1500)]),
        "the first month's other half is still there from before"
    );
}

/// (34)
#[test]
fn a_payment_that_is_due_gives_a_little_in_advance_and_less_when_it_comes() {
    let due = Invoice {
        status: "open".to_owned(),
        paid_at: None,
        ..invoice("in_2", "cycle", "2026-05-01", vec![line("pro", 2000, "2026-05-01", "2026-06-01")])
    };
    let first = invoice("in_1", "create", "2026-04-01", vec![line("pro", 2000, "2026-04-01", "2026-05-01")]);
    let past_due = Subscription {
        status: SubscriptionStatus::PastDue,
        ..subscription("pro", "2026-05-01", "2026-06-01")
    };
    let in_grace = customer(past_due.clone(), vec![due.clone(), first.clone()]);
    assert_eq!(given(&changes(&in_grace, "2026-05-02")).get("grace:in_2"), Some(&200));
    assert_eq!(
        given(&changes(&in_grace, "2026-05-08")).get("grace:in_2"),
        None,
        "not once the grace is over"
    );

    let paid = Invoice { status: "paid".to_owned(), paid_at: Some(at("2026-05-03")), ..due.clone() };
    let recovered = customer(subscription("pro", "2026-05-01", "2026-06-01"), vec![paid, first.clone()]);
    let recovered = changes(&recovered, "2026-05-03");
    let advances: Vec<_> = recovered
        .iter()
        .filter_map(|change| match change {
            CreditChange::Give { cause, advance: Some(Advance { cause: grace, taken_cause }), .. } => {
                Some([cause.as_str(), grace, taken_cause])
            }
            _ => None,
        })
        .collect();
    assert!(advances.contains(&["invoice:in_2", "grace:in_2", "unpaid:in_2"]), "{advances:?}");

    let canceled = Subscription { status: SubscriptionStatus::Canceled, ..past_due };
    let given_up = customer(canceled, vec![due, first]);
    let given_up = taken(&changes(&given_up, "2026-05-20"));
    assert_eq!(given_up, [("unpaid:in_2".to_owned(), "grace:in_2".to_owned())]);
}

#[test]
fn an_invoice_that_was_never_paid_gives_nothing() {
    let unpaid = Invoice {
        status: "open".to_owned(),
        paid_at: None,
        ..invoice("in_1", "create", "2026-04-01", vec![line("pro", 2000, "2026-04-01", "2026-05-01")])
    };
    let incomplete = Subscription {
        status: SubscriptionStatus::Incomplete,
        ..subscription("pro", "2026-04-01", "2026-05-01")
    };
    let customer = customer(incomplete, vec![unpaid]);
    assert_eq!(given(&changes(&customer, "2026-04-01")), pairs(&[]));
}

#[test]
fn the_invoice_of_a_trial_is_paid_with_nothing_and_gives_nothing() {
    let trial = invoice("in_1", "create", "2026-04-01", vec![line("pro", 0, "2026-04-01", "2026-04-15")]);
    let trialing = Subscription {
        status: SubscriptionStatus::Trialing,
        ..subscription("pro", "2026-04-01", "2026-04-15")
    };
    assert_eq!(given(&changes(&customer(trialing, vec![trial.clone()]), "2026-04-02")), pairs(&[]));

    let first = invoice("in_2", "cycle", "2026-04-15", vec![line("pro", 2000, "2026-04-15", "2026-05-15")]);
    let paying = customer(subscription("pro", "2026-04-15", "2026-05-15"), vec![first, trial]);
    assert_eq!(given(&changes(&paying, "2026-04-15")), pairs(&[("invoice:in_2", 1500)]));
}

#[test]
fn a_trial_that_is_ended_early_gives_the_credit_of_the_period_that_is_paid_then() {
    let trial = invoice("in_1", "create", "2026-04-01", vec![line("pro", 0, "2026-04-01", "2026-04-15")]);
    let month = invoice("in_2", "update", "2026-04-03", vec![line("pro", 2000, "2026-04-03", "2026-05-03")]);
    let next = invoice("in_3", "cycle", "2026-05-03", vec![line("pro", 2000, "2026-05-03", "2026-06-03")]);
    let paying =
        customer(subscription("pro", "2026-04-03", "2026-05-03"), vec![month.clone(), trial.clone()]);
    assert_eq!(given(&changes(&paying, "2026-04-03")), pairs(&[("invoice:in_2", 1500)]));

    let renewed = customer(subscription("pro", "2026-05-03", "2026-06-03"), vec![next, month, trial]);
    let renewed = changes(&renewed, "2026-05-03");
    assert_eq!(replaced_by(&renewed, "invoice:in_3"), ["invoice:in_2"]);

    let year = invoice("in_2", "update", "2026-04-03", vec![line("pro", 20_000, "2026-04-03", "2027-04-03")]);
    let yearly = customer(subscription("pro", "2026-04-03", "2027-04-03"), vec![year]);
    let slices = [("invoice:in_2:month:0", 1500), ("invoice:in_2:month:1", 1500)];
    assert_eq!(given(&changes(&yearly, "2026-05-03")), pairs(&slices));
}

#[test]
fn the_part_of_a_period_that_nothing_is_known_of_gives_nothing() {
    let rest = InvoiceLine { is_proration: true, ..line("pro", 1000, "2026-04-16", "2026-05-01") };
    let change = invoice("in_1", "update", "2026-04-16", vec![rest]);
    let customer = customer(subscription("pro", "2026-04-01", "2026-05-01"), vec![change]);
    assert_eq!(given(&changes(&customer, "2026-04-16")), pairs(&[]));
}

#[test]
fn the_credit_of_an_upgrade_in_a_year_ends_with_its_month() {
    let year = invoice("in_1", "create", "2026-04-01", vec![line("pro", 20_000, "2026-04-01", "2027-04-01")]);
    let lines = vec![
        line("pro", -19_000, "2026-04-16", "2027-04-01"),
        line("max", 95_000, "2026-04-16", "2027-04-01"),
    ];
    let up = invoice("in_2", "update", "2026-04-16", lines);
    let customer = customer(subscription("max", "2026-04-01", "2027-04-01"), vec![up, year]);
    let second = changes(&customer, "2026-05-02");
    assert_eq!(replaced_by(&second, "invoice:in_1:month:1"), ["invoice:in_1:month:0", "invoice:in_2"]);
    assert_eq!(given(&second).get("invoice:in_2"), Some(&3250));
    let third = changes(&customer, "2026-06-02");
    assert_eq!(given(&third).get("invoice:in_1:month:2"), Some(&8000));
}

#[test]
fn a_year_that_is_over_ends_with_its_last_month_and_a_refund_takes_back_of_that() {
    let year = invoice("in_1", "create", "2026-04-01", vec![line("pro", 20_000, "2026-04-01", "2027-04-01")]);
    let next = invoice("in_2", "cycle", "2027-04-01", vec![line("pro", 20_000, "2027-04-01", "2028-04-01")]);
    let renewed = customer(subscription("pro", "2027-04-01", "2028-04-01"), vec![next, year.clone()]);
    let changes_then = changes(&renewed, "2027-04-01");
    let replaced = replaced_by(&changes_then, "invoice:in_2:month:0");
    assert_eq!(replaced.last().map(String::as_str), Some("invoice:in_1:month:11"));

    let canceled = SubscriptionStatus::Canceled;
    let ended = Subscription { status: canceled, ..subscription("pro", "2026-04-01", "2027-04-01") };
    let mut ended = customer(ended, vec![year]);
    ended.charges = vec![refund("in_1", "re_1", (20_000, 20_000), "2026-06-10")];
    let in_third = taken(&changes(&ended, "2026-06-10"));
    assert!(in_third.contains(&("refund:re_1:month:2".to_owned(), "invoice:in_1:month:2".to_owned())));
    let end = CreditChange::End { grant_cause: "invoice:in_1:month:11".to_owned() };
    assert!(changes(&ended, "2027-04-01").contains(&end));
}

#[test]
fn a_refund_takes_back_its_part_of_each_month_also_of_later_ones() {
    let year = invoice("in_1", "create", "2026-04-01", vec![line("pro", 20_000, "2026-04-01", "2027-04-01")]);
    let mut customer = customer(subscription("pro", "2026-04-01", "2027-04-01"), vec![year]);
    customer.charges = vec![refund("in_1", "re_1", (10_000, 20_000), "2026-05-10")];
    let half = changes(&customer, "2026-06-01");
    assert_eq!(
        given(&half),
        pairs(&[("invoice:in_1:month:1", 1500), ("invoice:in_1:month:2", 1500)]),
        "half of the charge was refunded in the second month"
    );
    let expected =
        ["month:1", "month:2"].map(|month| (format!("refund:re_1:{month}"), format!("invoice:in_1:{month}")));
    assert_eq!(taken(&half), expected);
}

/// The other part was paid with a balance that the customer had at Stripe.
#[test]
fn a_refund_of_a_charge_for_a_part_of_an_invoice_takes_back_that_part_of_the_credit() {
    let month = invoice("in_1", "create", "2026-04-01", vec![line("pro", 2000, "2026-04-01", "2026-05-01")]);
    let mut customer = customer(subscription("pro", "2026-04-01", "2026-05-01"), vec![month]);
    customer.charges = vec![refund("in_1", "re_1", (500, 500), "2026-04-02")];
    let expected = CreditChange::TakeBack {
        cause: "refund:re_1".to_owned(),
        grant_cause: "invoice:in_1".to_owned(),
        part: Part::new(500, 2000),
    };
    let changes = changes(&customer, "2026-04-03");
    assert!(changes.contains(&expected), "{changes:?}");
}

/// (34)
#[test]
fn a_dispute_that_was_won_gives_back_what_it_has_taken_of_each_month() {
    let year = invoice("in_1", "create", "2026-04-01", vec![line("pro", 20_000, "2026-04-01", "2027-04-01")]);
    let mut customer = customer(subscription("pro", "2026-04-01", "2027-04-01"), vec![year]);
    let mut charge = refund("in_1", "dp_1", (20_000, 20_000), "2026-05-10");
    charge.disputes = std::mem::take(&mut charge.refunds);
    customer.charges = vec![charge];
    assert_eq!(taken(&changes(&customer, "2026-06-01")).len(), 2);
    customer.charges[0].disputes[0].came_back = true;
    let won = changes(&customer, "2026-06-02");
    assert_eq!(taken(&won), []);
    let expected = CreditChange::GiveBack {
        cause: "dispute:dp_1:won:month:2".to_owned(),
        taken_cause: "dispute:dp_1:month:2".to_owned(),
        grant_cause: "invoice:in_1:month:2".to_owned(),
        part: Part::new(20_000, 20_000),
    };
    assert!(won.contains(&expected), "{won:?}");
    assert_eq!(refunded_cents(&customer, &["pi_in_1".to_owned()]), 0);
}

#[test]
fn a_pack_never_ends_and_its_refund_takes_back_what_is_left() {
    let mut customer = customer(subscription("pro", "2026-04-01", "2026-05-01"), vec![]);
    customer.checkouts = vec![Checkout {
        id: "cs_1".to_owned(),
        customer_id: Some("cus".to_owned()),
        state: CheckoutState::Paid,
        url: None,
        pack: Some(("credit_10".to_owned(), 10_000_000_000)),
        payment_intent_id: Some("pi_cs_1".to_owned()),
        amount_cents: 1000,
        created_at: at("2026-04-01"),
    }];
    customer.charges = vec![refund("cs_1", "re_1", (1000, 1000), "2026-04-02")];
    let changes = changes(&customer, "2027-04-01");
    let CreditChange::Give { cause, expires_at: None, .. } = &changes[0] else { panic!("{changes:?}") };
    assert_eq!(cause, "pack:cs_1");
    assert_eq!(taken(&changes), [("refund:re_1".to_owned(), "pack:cs_1".to_owned())]);
}
