//! What credit an account should have been given, told from Stripe's invoices alone and in other words than the server's.

use std::collections::BTreeMap;

use serde_json::Value;

use super::mirror::{Shown, integer, is_bought_pack, is_live, payment_intents, text};
use crate::support::Shop;

/// Nano-dollars in a cent.
const CENT: i64 = 10_000_000;

const DAY: i64 = 86_400;

/// What the ledger says, by cause, and what is left of each grant.
struct Credit {
    entries: BTreeMap<String, i64>,
    left: BTreeMap<String, i64>,
}

impl Credit {
    async fn read(shop: &Shop) -> Self {
        let entries = shop.app.database().rows("select cause, amount_nanos from ledger_entries").await;
        let left = shop.app.database().rows("select cause, remaining_nanos from grants").await;
        Self {
            entries: entries.iter().map(|row| (row.get(0), row.get(1))).collect(),
            left: left.iter().map(|row| (row.get(0), row.get(1))).collect(),
        }
    }

    fn of(&self, cause: &str) -> i64 {
        self.entries.get(cause).copied().unwrap_or_default()
    }

    /// Of a cause and everything it is the beginning of.
    fn of_all(&self, cause: &str) -> i64 {
        let longer = format!("{cause}:");
        let is_of = |(entry, _): &(&String, &i64)| *entry == cause || entry.starts_with(&longer);
        self.entries.iter().filter(is_of).map(|(_, nanos)| nanos).sum()
    }
}

/// What an invoice of a subscription is for.
#[derive(Clone, Copy)]
struct Paid<'a> {
    invoice: &'a Value,
    id: &'a str,
    plan: &'static str,
    start: i64,
    end: i64,
}

impl<'a> Paid<'a> {
    /// None: nothing is paid for, as for a trial.
    fn read(invoice: &'a Value) -> Option<Self> {
        let lines = invoice["lines"]["data"].as_array().expect("lines");
        let line = lines.iter().rfind(|line| line["amount"].as_i64() > Some(0))?;
        let plan = if text(&line["description"]).contains("Max") { "max" } else { "pro" };
        let time = |name: &str| integer(&line["period"][name]);
        Some(Self { invoice, id: text(&invoice["id"]), plan, start: time("start"), end: time("end") })
    }

    fn is_paid(&self) -> bool {
        self.invoice["status"] == "paid"
    }

    fn is_update(&self) -> bool {
        self.invoice["billing_reason"] == "subscription_update"
    }

    /// The month of this period that a moment is in.
    fn month_at(&self, at: i64) -> (i64, i64) {
        self.months().rfind(|(start, _)| *start <= at).unwrap_or((self.start, self.end))
    }

    /// Those of a year are counted from its start by the calendar. A month is one, however long: after a short February it
    /// ends later than a calendar's month would.
    fn months(&self) -> std::vec::IntoIter<(i64, i64)> {
        if !self.is_year() {
            return vec![(self.start, self.end)].into_iter();
        }
        let begins = |number| {
            let start = chrono::DateTime::from_timestamp(self.start, 0).expect("a time");
            (start + chrono::Months::new(number)).timestamp()
        };
        let starts: Vec<_> = (0..).map(begins).take_while(|start| *start + DAY < self.end).collect();
        let ends = starts.iter().skip(1).copied().chain([self.end]);
        starts.iter().copied().zip(ends).collect::<Vec<_>>().into_iter()
    }

    fn is_year(&self) -> bool {
        self.end - self.start > 40 * DAY
    }
}

fn month_of(plan: &str) -> i64 {
    CENT * if plan == "pro" { 1_500 } else { 8_000 }
}

fn grace_of(plan: &str) -> i64 {
    CENT * if plan == "pro" { 200 } else { 1_000 }
}

pub async fn assert_credit(shop: &Shop, shown: &Shown) {
    let credit = Credit::read(shop).await;
    assert_nothing_is_unpaid(&credit, shown);
    for checkout in shown.checkouts.iter().filter(|checkout| is_bought_pack(checkout)) {
        assert_pack(&credit, shown, checkout);
    }
    for subscription in &shown.subscriptions {
        let of_this = |invoice: &&Value| {
            invoice["parent"]["subscription_details"]["subscription"] == subscription["id"]
        };
        let oldest_first = shown.invoices.iter().rev().filter(of_this);
        let paid: Vec<_> = oldest_first.filter_map(Paid::read).collect();
        assert_periods(&credit, subscription, &paid);
        assert_slices(&credit, shown, subscription, &paid);
        for (number, each) in paid.iter().enumerate() {
            let is_last = !paid[number + 1..].iter().any(|later| later.invoice["status"] != "void");
            assert_money_back(&credit, shown, each, is_last && is_live(subscription) && shown.now < each.end);
        }
    }
}

/// No credit but for what Stripe says is paid, or was tried in vain to be paid.
fn assert_nothing_is_unpaid(credit: &Credit, shown: &Shown) {
    for cause in credit.entries.keys() {
        let mut words = cause.split(':');
        let (kind, id) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let invoice = shown.invoices.iter().find(|invoice| invoice["id"] == id);
        let is_right = match kind {
            "invoice" => invoice.is_some_and(|invoice| invoice["status"] == "paid"),
            "grace" => invoice.is_some_and(|invoice| integer(&invoice["attempt_count"]) > 0),
            "pack" => shown.checkouts.iter().any(|checkout| checkout["id"] == id && is_bought_pack(checkout)),
            _ => true,
        };
        assert!(is_right, "{cause} is given for nothing");
    }
}

/// The whole month for each payment of a period, for an upgrade the difference for the rest of the month, and for a year
/// in the place of a month what the rest of that had not given.
fn assert_periods(credit: &Credit, subscription: &Value, paid: &[Paid<'_>]) {
    let mut period: Option<Paid<'_>> = None;
    let mut plan = "";
    for each in paid {
        let (id, month) = (each.id, month_of(each.plan));
        let given = credit.of(&format!("invoice:{id}")) + credit.of(&format!("invoice:{id}:month:0"));
        let grace = credit.of(&format!("grace:{id}"));
        let Some(running) = period.filter(|_| each.is_update()) else {
            assert!(grace == 0 || grace == grace_of(each.plan), "{grace} of {id}");
            if each.is_paid() {
                let taken = credit.of(&format!("unpaid:{id}"));
                assert_eq!(given + grace + taken, month, "of {}", each.invoice);
            } else if each.invoice["status"] != "open" || !is_live(subscription) {
                assert_eq!(credit.left.get(&format!("grace:{id}")).unwrap_or(&0), &0, "of {}", each.invoice);
            }
            (period, plan) = (Some(*each), each.plan);
            continue;
        };
        if !each.is_paid() {
            continue;
        }
        let (from, until) = running.month_at(each.start);
        let rest = |nanos: i64| i128::from(nanos) * i128::from(until - each.start) / i128::from(until - from);
        let exact = match each.end == running.end {
            true => rest(month - month_of(plan)),
            false => i128::from(month) - rest(month_of(plan)),
        };
        assert!((i128::from(given) - exact).abs() <= 1, "{given} is not {exact} of {}", each.invoice);
        period = Some(if each.end == running.end { running } else { *each });
        plan = each.plan;
    }
}

/// Of the year that runs, each month that has begun: by the payment it began with, whatever was paid to change it since.
fn assert_slices(credit: &Credit, shown: &Shown, subscription: &Value, paid: &[Paid<'_>]) {
    let start = integer(&subscription["items"]["data"][0]["current_period_start"]);
    for (number, each) in paid.iter().enumerate().filter(|(_, each)| each.is_year() && each.is_paid()) {
        let is_change =
            paid[..number].iter().any(|earlier| (earlier.start, earlier.end) == (each.start, each.end));
        let slices = format!("invoice:{}:month:", each.id);
        let given: Vec<_> = credit.entries.iter().filter(|(cause, _)| cause.starts_with(&slices)).collect();
        let begun = each.months().filter(|(start, _)| *start <= shown.now).count();
        if is_live(subscription) && each.start == start && !is_change {
            let expected = begun - usize::from(credit.of(&format!("{slices}0")) == 0);
            assert_eq!(given.len(), expected, "{given:?} of {}", each.invoice);
        }
        let later = given.iter().filter(|(cause, _)| !cause.ends_with(":0"));
        let is_whole = |nanos: i64| nanos == month_of("pro") || nanos == month_of("max");
        assert!(given.len() <= 12 && later.clone().all(|(_, nanos)| is_whole(**nanos)), "{given:?}");
    }
}

/// Whoever gets money back keeps as little of the credit. What is gone already cannot be taken: only what `is_running` is
/// certain to be there. Nor does what has ended meanwhile come back with a dispute that was won.
fn assert_money_back(credit: &Credit, shown: &Shown, paid: &Paid<'_>, is_running: bool) {
    let given = credit.of_all(&format!("invoice:{}", paid.id)) + credit.of(&format!("grace:{}", paid.id));
    let given = given + credit.of(&format!("unpaid:{}", paid.id));
    let total = integer(&paid.invoice["total"]);
    let (least, most) = money_back(shown, &payment_intents(paid.invoice), total, given);
    let has_won = shown.money_back(&payment_intents(paid.invoice)).iter().any(|back| back["status"] == "won");
    let most = if has_won && (!is_running || paid.is_year()) { given } else { most };
    let taken = taken_back(credit, shown, &payment_intents(paid.invoice));
    assert!(taken >= 0 && taken <= most, "{taken} of {given} for {}", paid.invoice);
    if is_running && !paid.is_year() {
        assert!(taken >= least, "{taken} instead of {least} of {given} for {}", paid.invoice);
    }
}

/// A pack's credit, less the part of the money that is not ours any more: nobody spends anything here.
fn assert_pack(credit: &Credit, shown: &Shown, checkout: &Value) {
    let given = credit.of(&format!("pack:{}", text(&checkout["id"])));
    assert_eq!(given.to_string(), text(&checkout["metadata"]["credit_nanos"]));
    let intents = [text(&checkout["payment_intent"])];
    let (least, most) = money_back(shown, &intents, integer(&checkout["amount_total"]), given);
    let taken = taken_back(credit, shown, &intents);
    assert!((least..=most).contains(&taken), "{taken} of {given} for {checkout}");
}

/// The part of what was given that has gone back, as it may be rounded for each refund.
fn money_back(shown: &Shown, intents: &[&str], total: i64, given: i64) -> (i64, i64) {
    let back = shown.money_back(intents);
    let gone = back.iter().filter(|back| back["status"] != "won").map(|back| integer(&back["amount"]));
    let gone = i128::from(gone.sum::<i64>().min(total));
    let exact = i128::from(given) * gone / i128::from(total.max(1));
    let exact = i64::try_from(exact).expect("nano-dollars");
    let rounding = i64::try_from(back.len()).expect("a number") * 2;
    ((exact - rounding).max(0), (exact + rounding).min(given))
}

fn taken_back(credit: &Credit, shown: &Shown, intents: &[&str]) -> i64 {
    let causes = shown
        .money_back(intents)
        .into_iter()
        .map(|back| format!("{}:{}", text(&back["object"]), text(&back["id"])));
    -causes.map(|cause| credit.of_all(&cause)).sum::<i64>()
}
