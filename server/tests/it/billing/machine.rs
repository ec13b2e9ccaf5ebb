//! Whatever people do and however long it takes, over webhooks that are lost, repeated, late and out of order: once
//! everything is compared with Stripe, the account is as Stripe has it, and its credit is what was paid for.
//! `BILLING_CASES` says how many stories, `BILLING_SEED` which: the first has that seed, and each next one the next.

mod action;
mod credit;
mod mirror;
mod story;

use std::env;

use futures::{StreamExt, stream};
use tokio::runtime::Runtime;
use tokio::task;

use self::story::{live, story};

/// Stories unless told otherwise: a minute or more on two slow cores.
const CASES: u64 = 20;

/// Stories that are lived at a time: each waits often for the others' processes.
const AT_ONCE: usize = 3;

fn variable(name: &str, default: impl FnOnce() -> u64) -> u64 {
    env::var(name).map_or_else(|_| default(), |text| text.parse().expect("a number"))
}

/// (28)
#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_an_account_ends_as_stripe_has_it_with_the_credit_that_was_paid_for() {
    let first = variable("BILLING_SEED", || rand::random::<u32>().into());
    let cases = variable("BILLING_CASES", || CASES);
    println!("BILLING_SEED={first} BILLING_CASES={cases}");
    let lives = stream::iter(first..first + cases).map(|seed| async move {
        let story = story(seed);
        let told = story.clone();
        // In a runtime of its own: at its end it waits for what only the runtime can do, as the others may at once.
        let lived = task::spawn_blocking(|| Runtime::new().expect("a runtime").block_on(live(told))).await;
        lived
            .err()
            .map(|error| format!("BILLING_SEED={seed} BILLING_CASES=1 tells it again: {error}\n{story:?}"))
    });
    let failures: Vec<_> =
        lives.buffer_unordered(AT_ONCE).filter_map(async |failure| failure).collect().await;
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
