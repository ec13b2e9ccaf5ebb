//! What is used beyond credit: split exactly, within its allowance, and told to the meter to the last micro-dollar.

use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;

fn with_cap(books: Books, cap: i64) -> Books {
    books.with_overage(Overage { cap: Some(Nanos(cap)), ..Overage::default() })
}

/// A hundred of credit, and so much beyond it.
fn hundred_and(cap: i64) -> Books {
    let mut books = books();
    books.give_monthly(Nanos(100));
    with_cap(books, cap)
}

fn overage(books: &Books) -> i64 {
    books.changes.metered.iter().map(|metered| metered.amount.0).sum()
}

fn hold_lasting(books: &mut Books, number: u128, amount: i64) -> bool {
    books.hold(id(number), Nanos(amount), later())
}

#[test]
fn credit_is_set_aside_first_and_then_what_the_cap_leaves() {
    let mut books = hundred_and(50);
    assert_eq!(books.credit().spendable(), Nanos(150));
    assert!(hold_lasting(&mut books, 1, 120));
    assert_eq!(books.holds[0].overage, Nanos(20));
    assert_eq!((available(&books), books.credit().spendable()), (0, Nanos(30)));
    assert!(!hold_lasting(&mut books, 2, 31));
    assert!(hold_lasting(&mut books, 2, 30));
    assert_eq!(books.credit().spendable(), Nanos::ZERO);
}

#[test]
fn what_credit_does_not_cover_is_overage_and_no_deficit() {
    let mut books = hundred_and(50);
    assert!(hold_lasting(&mut books, 1, 150));
    books.settle(id(1), Nanos(130));
    assert_eq!((posted(&books, &Cause::Generation(id(1))), overage(&books)), (Some(-130), 30));
    assert_eq!((available(&books), books.posted), (0, Nanos::ZERO));
    assert_eq!(books.credit().spendable(), Nanos(20), "the next reply is not blocked");
    let mut next = books;
    next.give(pack("pack"), Nanos(10), None);
    assert_eq!(available(&next), 10, "new credit does not pay for it again");
}

#[test]
fn beyond_the_cap_there_is_a_deficit() {
    let mut books = hundred_and(50);
    assert!(hold_lasting(&mut books, 1, 150));
    books.settle(id(1), Nanos(170));
    assert_eq!((overage(&books), available(&books)), (50, -20));
    assert_eq!(books.credit().spendable(), Nanos(-20));
}

#[test]
fn what_was_promised_to_a_reply_stays_so_when_it_is_switched_off_and_nothing_more() {
    let mut books = hundred_and(50);
    assert!(hold_lasting(&mut books, 1, 120));
    books.limit_overage(None);
    assert_eq!(books.credit().overage, None);
    assert!(!hold_lasting(&mut books, 2, 1));
    books.settle(id(1), Nanos(140));
    assert_eq!((overage(&books), available(&books)), (20, -20));
}

#[test]
fn a_plan_may_allow_less_than_the_person_does() {
    let mut books = hundred_and(50);
    books.limit_overage(Some(Nanos(7)));
    assert_eq!(books.credit().spendable(), Nanos(107));
}

#[test]
fn a_debt_of_before_is_not_billed_but_has_to_be_covered() {
    let mut books = books();
    books.settle(id(1), Nanos(30));
    let mut books = with_cap(books, 50);
    assert_eq!(books.credit().spendable(), Nanos(20));
    assert!(hold_lasting(&mut books, 2, 20));
    books.settle(id(2), Nanos(20));
    assert_eq!((overage(&books), available(&books)), (20, -30));
}

#[test]
fn a_late_difference_is_split_in_the_same_way_and_what_comes_back_is_credit() {
    let mut books = hundred_and(50);
    books.settle(id(1), Nanos(90));
    books.correct(id(1), Nanos(30));
    assert_eq!((overage(&books), available(&books)), (20, 0));
    assert_eq!(books.changes.metered[0].cause, Cause::LateOverage(id(1)));
    books.correct(id(1), -Nanos(60));
    assert_eq!((overage(&books), available(&books)), (20, 60), "Stripe is told of no less");
}

proptest! {
    /// Charges of whole nano-dollars, in books that are closed and opened again between them.
    #[test]
    fn charges_are_credit_and_overage_and_the_meter_is_told_all_of_it_rounded_down_once(
        credit in 0..20_000i64,
        cap in 1..60_000i64,
        charges in prop::collection::vec((0..5_000i64, 0..5_000i64), 1..40),
    ) {
        let mut books = books();
        books.give(pack("pack"), Nanos(credit), None);
        let mut books = with_cap(books, cap);
        let (mut charged, mut beyond, mut units) = (0, 0, 0);
        for (number, (held, charge)) in (1..).zip(charges) {
            let is_held = hold_lasting(&mut books, number, held);
            let spendable = books.credit().spendable().0 + if is_held { held } else { 0 };
            books.settle(id(number), Nanos(charge));
            charged += charge;
            for metered in std::mem::take(&mut books.changes.metered) {
                beyond += metered.amount.0;
                units += metered.units;
                prop_assert!(metered.amount.0 <= charge && metered.limit.0 <= cap);
            }
            prop_assert!(beyond <= cap, "never more than the cap");
            prop_assert_eq!(books.posted.0, credit - charged + beyond, "credit and overage are the charges");
            prop_assert_eq!(books.deficit().0, (charged - credit - beyond).max(0));
            if charge <= spendable {
                prop_assert!(books.credit().spendable() >= Nanos::ZERO, "what was allowed blocks nothing");
            }
            prop_assert_eq!(units, beyond / 1_000);
            let Books { account_id, at, posted, grants, holds, overage, .. } = books;
            books = Books::open(account_id, at + TimeDelta::seconds(1), posted, grants, holds).with_overage(overage);
        }
    }
}
