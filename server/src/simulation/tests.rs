use chrono::{Datelike, TimeDelta};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;

const GENEROUS: Limits = Limits {
    requests_per_minute: 1000,
    requests_per_day: 1000,
    tokens_per_minute: None,
    concurrent_replies: 1000,
    monthly_credit: Nanos(1_000_000),
};

fn account(number: u128) -> AccountId {
    AccountId(Uuid::from_u128(number))
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

fn begin() -> DateTime<Utc> {
    at("2026-10-30T00:00:00Z")
}

/// A request so many seconds after the beginning, whose reply takes ten.
fn request(seconds: i64) -> RecordedRequest {
    let at = begin() + TimeDelta::seconds(seconds);
    RecordedRequest {
        account_id: account(1),
        at,
        ended_at: Some(at + TimeDelta::seconds(10)),
        tokens: 100,
        charged: Nanos(10),
        cost: Nanos(7),
    }
}

fn replay(limits: Limits, requests: &[RecordedRequest]) -> Outcome {
    let mut simulation = Simulation::new(limits, begin());
    for request in requests {
        simulation.add(request);
    }
    simulation.finish()
}

fn refused(limits: Limits, seconds: &[i64]) -> Vec<(Refusal, u64)> {
    let requests: Vec<_> = seconds.iter().copied().map(request).collect();
    let refused = replay(limits, &requests).refused;
    refused.into_iter().map(|(refusal, tally)| (refusal, tally.requests)).collect()
}

#[test]
fn a_minute_slides_and_refused_requests_use_nothing() {
    let limits = Limits { requests_per_minute: 2, ..GENEROUS };
    assert_eq!(refused(limits, &[0, 30, 40, 59, 60, 89, 90]), [(Refusal::RequestsPerMinute, 3)]);
}

#[test]
fn a_day_is_the_last_24_hours() {
    let limits = Limits { requests_per_day: 1, ..GENEROUS };
    assert_eq!(refused(limits, &[0, 86_399, 86_400]), [(Refusal::RequestsPerDay, 1)]);
}

#[test]
fn a_reply_counts_as_concurrent_until_it_ends() {
    let limits = Limits { concurrent_replies: 1, ..GENEROUS };
    assert_eq!(refused(limits, &[0, 9, 10]), [(Refusal::ConcurrentReplies, 1)]);
}

#[test]
fn a_request_is_refused_whose_tokens_do_not_fit_beside_those_of_the_last_minute() {
    let limits = Limits { tokens_per_minute: Some(150), ..GENEROUS };
    assert_eq!(refused(limits, &[0, 20, 40, 60]), [(Refusal::TokensPerMinute, 2)]);
}

#[test]
fn a_request_larger_than_a_minutes_tokens_fits_an_empty_minute() {
    let limits = Limits { tokens_per_minute: Some(50), ..GENEROUS };
    assert_eq!(refused(limits, &[0, 59, 60]), [(Refusal::TokensPerMinute, 1)]);
}

#[test]
fn credit_comes_anew_with_the_calendar_month() {
    let limits = Limits { monthly_credit: Nanos(20), ..GENEROUS };
    let november = (at("2026-11-01T00:00:00Z") - begin()).num_seconds();
    assert_eq!(refused(limits, &[0, 100, 200, november - 1, november]), [(Refusal::MonthlyCredit, 2)]);
}

#[test]
fn what_was_before_fills_the_windows_and_is_not_reported() {
    let limits = Limits { requests_per_minute: 1, ..GENEROUS };
    let outcome = replay(limits, &[request(-30), request(0), request(40)]);
    assert_eq!((outcome.admitted.requests, outcome.all_refused().requests), (1, 1));
}

#[test]
fn the_most_often_stopped_account_comes_first_and_sums_stay_apart() {
    let limits = Limits { requests_per_minute: 1, ..GENEROUS };
    let of = |number, seconds| RecordedRequest { account_id: account(number), ..request(seconds) };
    let outcome = replay(limits, &[of(1, 0), of(2, 0), of(2, 1), of(3, 0), of(3, 1), of(3, 2)]);
    let stopped = |number, requests, refused| StoppedAccount { id: account(number), requests, refused };
    assert_eq!(outcome.stopped, [stopped(3, 3, 2), stopped(2, 2, 1)]);
    assert_eq!(outcome.accounts, 3);
    assert_eq!(outcome.admitted, Tally { requests: 3, charged: Nanos(30), cost: Nanos(21) });
    assert_eq!(outcome.all_refused(), Tally { requests: 3, charged: Nanos(30), cost: Nanos(21) });
}

/// Looks at every admitted request anew for each request.
fn naive(limits: Limits, requests: &[RecordedRequest]) -> Outcome {
    let mut admitted: Vec<RecordedRequest> = Vec::new();
    let mut outcome = Outcome::default();
    let mut stopped = BTreeMap::<AccountId, StoppedAccount>::new();
    for now in requests {
        let earlier: Vec<_> = admitted.iter().filter(|each| each.account_id == now.account_id).collect();
        let since = |window| earlier.iter().filter(move |each| each.at > now.at - window);
        let minute = || since(TimeDelta::seconds(60));
        let running = earlier.iter().filter(|each| each.ended_at.is_none_or(|end| end > now.at)).count();
        let month = |at: DateTime<Utc>| (at.year(), at.month());
        let tokens = minute().map(|each| each.tokens).sum::<u64>();
        let charged: Nanos =
            earlier.iter().filter(|each| month(each.at) == month(now.at)).map(|each| each.charged).sum();
        let checks = [
            (Refusal::ConcurrentReplies, running >= limits.concurrent_replies as usize),
            (Refusal::RequestsPerMinute, minute().count() >= limits.requests_per_minute as usize),
            (
                Refusal::RequestsPerDay,
                since(TimeDelta::seconds(86_400)).count() >= limits.requests_per_day as usize,
            ),
            (
                Refusal::TokensPerMinute,
                limits.tokens_per_minute.is_some_and(|limit| tokens > 0 && tokens + now.tokens > limit),
            ),
            (Refusal::MonthlyCredit, charged >= limits.monthly_credit),
        ];
        let refusal = checks.into_iter().find(|(_, is_reached)| *is_reached);
        if refusal.is_none() {
            admitted.push(*now);
        }
        if now.at < begin() {
            continue;
        }
        let empty = StoppedAccount { id: now.account_id, requests: 0, refused: 0 };
        let account = stopped.entry(now.account_id).or_insert(empty);
        account.requests += 1;
        match refusal {
            None => outcome.admitted.add(now),
            Some((refusal, _)) => {
                account.refused += 1;
                outcome.refused.entry(refusal).or_default().add(now);
            }
        }
    }
    outcome.accounts = stopped.len() as u64;
    outcome.stopped = stopped.into_values().filter(|account| account.refused > 0).collect();
    outcome.stopped.sort_by_key(|account| (std::cmp::Reverse(account.refused), account.id));
    outcome
}

fn limits() -> impl Strategy<Value = Limits> {
    (0u32..4, 0u32..12, proptest::option::of(0u64..300), 0u32..4, 0i64..200).prop_map(
        |(requests_per_minute, requests_per_day, tokens_per_minute, concurrent_replies, credit)| Limits {
            requests_per_minute,
            requests_per_day,
            tokens_per_minute,
            concurrent_replies,
            monthly_credit: Nanos(credit),
        },
    )
}

/// Requests of three accounts: bursts by the second, pauses of days, across the end of a month.
fn requests() -> impl Strategy<Value = Vec<RecordedRequest>> {
    let gap = prop_oneof![4 => 0i64..40, 1 => Just(60i64), 1 => 3_000i64..90_000, 1 => Just(86_400i64)];
    let one = (1u128..4, gap, proptest::option::of(0i64..120), 0u64..200, 0i64..20);
    proptest::collection::vec(one, 0..60).prop_map(|all| {
        let mut clocks = [-90_000i64; 4];
        let mut requests: Vec<_> = all
            .into_iter()
            .map(|(number, gap, duration, tokens, charged)| {
                let clock = &mut clocks[number as usize];
                *clock += gap;
                let at = begin() + TimeDelta::seconds(*clock);
                RecordedRequest {
                    account_id: account(number),
                    at,
                    ended_at: duration.map(|seconds| at + TimeDelta::seconds(seconds)),
                    tokens,
                    charged: Nanos(charged),
                    cost: Nanos(charged / 2),
                }
            })
            .collect();
        requests.sort_by_key(|request| (request.account_id, request.at));
        requests
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_replay_decides_as_somebody_who_looks_at_everything_again(
        limits in limits(),
        requests in requests(),
    ) {
        prop_assert_eq!(replay(limits, &requests), naive(limits, &requests));
    }
}
