use super::*;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

fn now() -> DateTime<Utc> {
    at("2026-11-24T12:00:00Z")
}

fn later() -> DateTime<Utc> {
    at("2026-12-24T12:00:00Z")
}

fn id(number: u128) -> GenerationId {
    GenerationId(Uuid::from_u128(number))
}

fn pack(name: &str) -> Cause {
    Cause::Other(name.to_owned())
}

/// Closes the books and opens them again at a later time, as the store would.
fn reopen(books: Books, at: DateTime<Utc>) -> Books {
    let Books { account_id, posted, grants, holds, .. } = books;
    Books::open(account_id, at, posted, grants, holds)
}

fn books() -> Books {
    Books::open(AccountId(Uuid::from_u128(1)), now(), Nanos::ZERO, vec![], vec![])
}

/// A hundred of the month, and a hundred that never end.
fn two_grants() -> Books {
    let mut books = books();
    books.give(pack("pack"), Nanos(100), None);
    books.give_monthly(Nanos(100));
    books
}

fn remaining(books: &Books, cause: &str) -> i64 {
    let grant = books.grants.iter().find(|grant| grant.cause.starts_with(cause)).expect("a grant");
    grant.remaining.0
}

fn posted(books: &Books, cause: &Cause) -> Option<i64> {
    books.changes.entries.iter().find(|entry| entry.cause == *cause).map(|entry| entry.amount.0)
}

fn available(books: &Books) -> i64 {
    books.credit().available.0
}

#[test]
fn an_operator_takes_what_is_free_and_nothing_that_is_promised() {
    let mut books = two_grants();
    assert!(books.hold(id(1), Nanos(60), later()));
    assert!(!books.take(pack("take:1"), Nanos(141)), "so much is not free");
    assert_eq!((books.balance(), available(&books)), (Nanos(200), 140));
    assert!(books.take(pack("take:2"), Nanos(90)));
    assert_eq!((books.balance(), available(&books)), (Nanos(110), 50));
    assert_eq!(
        (remaining(&books, "free"), remaining(&books, "pack")),
        (60, 50),
        "what ends first goes first"
    );
    assert_eq!(posted(&books, &pack("take:2")), Some(-90));
    books.settle(id(1), Nanos(60));
    assert_eq!((books.balance(), available(&books)), (Nanos(50), 50));
    // What a reply did not cost after all comes back; what was taken does not.
    books.correct(id(1), Nanos(-60));
    assert_eq!((books.balance(), available(&books)), (Nanos(110), 110));
}

#[test]
fn a_month_ends_at_the_first_of_the_next_in_utc() {
    assert_eq!(next_month(at("2026-11-30T23:59:59.999Z")), at("2026-12-01T00:00:00Z"));
    assert_eq!(next_month(at("2026-12-01T00:00:00Z")), at("2027-01-01T00:00:00Z"));
    assert_eq!(next_month(at("2028-02-29T12:00:00Z")), at("2028-03-01T00:00:00Z"));
}

#[test]
fn a_month_gives_its_credit_once() {
    let mut books = books();
    books.give_monthly(Nanos(100));
    let mut books = reopen(books, now());
    books.give_monthly(Nanos(100));
    assert_eq!(available(&books), 100);
    let mut december = reopen(books, later());
    december.give_monthly(Nanos(100));
    assert_eq!(
        (available(&december), december.posted),
        (100, Nanos(100)),
        "what was left of November is gone"
    );
}

#[test]
fn what_ends_soonest_is_spent_first() {
    let mut books = two_grants();
    books.settle(id(1), Nanos(130));
    assert_eq!((remaining(&books, "free"), remaining(&books, "pack")), (0, 70));
}

#[test]
fn a_hold_keeps_its_credit_beyond_the_end_of_the_month() {
    let mut november = books();
    november.give_monthly(Nanos(100));
    assert!(november.hold(id(1), Nanos(60), later() + chrono::TimeDelta::days(1)));
    let mut december = reopen(november, later());
    assert_eq!(december.changes.entries.len(), 1, "only the free part has ended");
    december.give_monthly(Nanos(100));
    assert_eq!(available(&december), 100, "and the new month is whole");

    december.settle(id(1), Nanos(50));
    assert_eq!(available(&december), 100);
    let grant_id = december.grants[0].id;
    assert_eq!(
        posted(&december, &Cause::ExpiryAfter(grant_id, id(1))),
        Some(-10),
        "the rest ends with its hold"
    );
}

#[test]
fn no_reply_spends_what_is_set_aside_for_another() {
    let mut books = books();
    books.give_monthly(Nanos(100));
    assert!(books.hold(id(1), Nanos(60), later()));
    assert!(!books.hold(id(2), Nanos(41), later()));
    assert!(books.hold(id(2), Nanos(40), later()));
    books.settle(id(2), Nanos(70));
    assert_eq!(available(&books), -30, "it cost more than was free");
    books.settle(id(1), Nanos(20));
    assert_eq!(available(&books), 10, "what the other did not need pays for that");
    assert_eq!(books.posted, Nanos(10));
}

#[test]
fn new_credit_pays_a_deficit_first() {
    let mut books = books();
    books.settle(id(1), Nanos(30));
    books.give(pack("pack"), Nanos(100), None);
    assert_eq!((available(&books), remaining(&books, "pack")), (70, 70));
}

#[test]
fn an_expired_hold_counts_no_more_and_its_late_charge_still_does() {
    let mut books = books();
    books.give_monthly(Nanos(100));
    assert!(books.hold(id(1), Nanos(100), now() + chrono::TimeDelta::seconds(30)));
    let mut books = reopen(books, now() + chrono::TimeDelta::seconds(30));
    assert_eq!(books.changes.released_holds, [id(1)]);
    assert!(books.hold(id(2), Nanos(100), later()));
    books.settle(id(1), Nanos(40));
    assert_eq!(available(&books), -40);
    books.settle(id(2), Nanos(60));
    assert_eq!((available(&books), books.posted), (0, Nanos(0)));
}

#[test]
fn credit_that_is_ended_goes_at_once_but_for_what_replies_have_set_aside() {
    let mut books = books();
    books.give(pack("invoice:1"), Nanos(100), None);
    assert!(books.hold(id(7), Nanos(40), later()));
    books.end("invoice:1");
    assert_eq!((available(&books), remaining(&books, "invoice:1")), (0, 40));
    assert_eq!(books.given("invoice:1"), Some(Nanos(100)));
    books.settle(id(7), Nanos(10));
    assert_eq!(available(&books), 0, "what was set aside and not spent is gone, too");
    assert_eq!(books.posted, Nanos::ZERO);
}

#[test]
fn a_refund_takes_what_is_free_now_and_the_rest_when_replies_have_ended() {
    let mut books = two_grants();
    assert!(books.hold(id(1), Nanos(150), later()));
    books.take_back(Cause::Other("refund".to_owned()), "pack", Nanos(100));
    assert_eq!(posted(&books, &Cause::Other("refund".to_owned())), Some(-50));
    assert_eq!(available(&books), 0);
    books.settle(id(1), Nanos(120));
    assert_eq!((available(&books), remaining(&books, "pack")), (0, 0), "20 were spent, 30 taken back");
    assert_eq!(books.posted, Nanos(0));
}

#[test]
fn a_correction_goes_back_to_what_was_spent_last() {
    let mut books = two_grants();
    books.settle(id(1), Nanos(130));
    books.correct(id(1), -Nanos(40));
    assert_eq!((remaining(&books, "free"), remaining(&books, "pack")), (10, 100));
}

#[test]
fn a_hold_spends_what_ends_soonest_first_in_whatever_order_it_was_read() {
    let mut books = two_grants();
    assert!(books.hold(id(1), Nanos(150), later()));
    books.holds[0].allocations.reverse();
    books.settle(id(1), Nanos(120));
    assert_eq!((remaining(&books, "free"), remaining(&books, "pack")), (0, 80));
}

#[test]
fn a_correction_never_comes_back_to_credit_that_was_refunded() {
    let mut books = books();
    books.give(pack("pack"), Nanos(100), None);
    books.settle(id(1), Nanos(60));
    books.take_back(pack("refund"), "pack", Nanos(100));
    books.correct(id(1), -Nanos(50));
    assert_eq!((available(&books), books.posted), (0, Nanos(0)));
}

#[test]
fn a_correction_comes_back_to_the_part_that_was_not_refunded() {
    let mut books = books();
    books.give(pack("pack"), Nanos(100), None);
    books.settle(id(1), Nanos(60));
    books.take_back(pack("refund"), "pack", Nanos(70));
    books.correct(id(1), -Nanos(50));
    assert_eq!((available(&books), books.posted), (30, Nanos(30)));
}

#[test]
fn a_refund_of_credit_that_is_gone_is_noted_too() {
    let mut books = books();
    books.give_monthly(Nanos(100));
    books.settle(id(1), Nanos(100));
    let cause = Cause::monthly(AccountId(Uuid::from_u128(1)), now()).to_string();
    let mut december = Books::open(books.account_id, later(), books.posted, vec![], vec![]);
    december.take_back(pack("refund"), &cause, Nanos(100));
    assert_eq!(posted(&december, &pack("refund")), Some(0));
}

#[test]
fn a_correction_of_credit_that_has_ended_is_no_gift() {
    let mut books = books();
    books.give_monthly(Nanos(100));
    books.settle(id(1), Nanos(100));
    let mut december = reopen(books, later());
    december.correct(id(1), -Nanos(40));
    assert_eq!((available(&december), december.posted), (0, Nanos(0)));
}

/// What the period has, and what of that is spent.
fn of_period(books: &Books) -> (i64, i64) {
    let credit = books.credit();
    (credit.granted.0, credit.used().0)
}

#[test]
fn what_was_spent_in_earlier_periods_is_no_part_of_this_one() {
    let mut november = books();
    november.give(pack("pack"), Nanos(100), None);
    november.settle(id(1), Nanos(60));
    assert_eq!(of_period(&november), (100, 60));
    let Books { account_id, posted, grants, .. } = november;
    let grants = grants.into_iter().map(|grant| grant.in_period(later())).collect();
    let mut december = Books::open(account_id, later(), posted, grants, vec![]);
    assert_eq!(of_period(&december), (40, 0));
    december.give(pack("another"), Nanos(100), None);
    december.settle(id(2), Nanos(70));
    assert_eq!(of_period(&december), (140, 70));
}

#[test]
fn what_was_taken_back_was_not_spent() {
    let mut books = books();
    books.give(pack("pack"), Nanos(100), None);
    books.settle(id(1), Nanos(30));
    books.take_back(pack("dispute"), "pack", Nanos(100));
    assert_eq!(of_period(&books), (30, 30));
    books.give_back(pack("won"), "pack", Nanos(100), Nanos(70));
    assert_eq!(of_period(&books), (100, 30));
}

mod against_a_model;
mod overage;

#[test]
fn what_a_won_dispute_gives_back_is_what_was_taken_and_nothing_that_was_spent() {
    let mut books = books();
    books.give(pack("pack"), Nanos(100), None);
    assert!(books.hold(id(1), Nanos(30), later()));
    books.settle(id(1), Nanos(30));
    assert!(books.hold(id(2), Nanos(20), later()));
    books.take_back(pack("dispute"), "pack", Nanos(100));
    assert_eq!((available(&books), posted(&books, &pack("dispute"))), (0, Some(-50)));
    books.give_back(pack("won"), "pack", Nanos(100), Nanos(50));
    assert_eq!(posted(&books, &pack("won")), Some(50));
    books.settle(id(2), Nanos::ZERO);
    assert_eq!((available(&books), remaining(&books, "pack")), (70, 70), "also what the hold was to lose");
}

#[test]
fn what_has_ended_meanwhile_does_not_come_back_with_a_won_dispute() {
    let mut books = two_grants();
    let cause = Cause::monthly(books.account_id, now()).to_string();
    books.take_back(pack("dispute"), &cause, Nanos(100));
    let mut books = reopen(books, later());
    books.give_back(pack("won"), &cause, Nanos(100), Nanos(100));
    assert_eq!((available(&books), posted(&books, &pack("won"))), (100, None));
}
