//! Stories of one person: what happens, one after the other.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngSeed, TestRunner};
use serde_json::json;

use super::action::{Action, action, take};
use super::credit::assert_credit;
use super::mirror::{Shown, assert_is_as_stripe_has_it};
use crate::support::{Browser, Shop};

/// Things that happen to one person.
const LENGTH: usize = 24;

/// What becomes of a subscription whose last retry has failed, and what happens.
#[derive(Clone, Debug)]
pub struct Story {
    after_retries: &'static str,
    steps: Vec<Step>,
}

#[derive(Clone, Debug)]
enum Step {
    Act(Action),
    Days(i64),
}

/// The same seed tells the same story; how its webhooks travel is drawn by the sandbox.
pub fn story(seed: u64) -> Story {
    let after_retries = prop::sample::select(vec!["cancel", "mark_unpaid", "leave_past_due"]);
    let days = prop::sample::select(vec![1, 5, 14, 31]);
    let step = prop_oneof![3 => action().prop_map(Step::Act), 1 => days.prop_map(Step::Days)];
    let stories = (after_retries, prop::collection::vec(step, LENGTH))
        .prop_map(|(after_retries, steps)| Story { after_retries, steps });
    let config = ProptestConfig { rng_seed: RngSeed::Fixed(seed), ..ProptestConfig::default() };
    stories.new_tree(&mut TestRunner::new(config)).expect("a story").current()
}

/// Lives it, and looks whenever everything was compared with Stripe.
pub async fn live(story: Story) {
    let shop = Shop::with_clock().await;
    shop.stripe.control("settings", json!({ "after_retries": story.after_retries })).await;
    let browser = shop.app.user().await;
    for step in &story.steps {
        match step {
            Step::Days(days) => {
                // As happens every hour.
                compare(&shop).await;
                pass(&shop, *days).await;
                compare(&shop).await;
                assert_all(&shop, &browser).await;
            }
            Step::Act(action) => take(&shop, &browser, action).await,
        }
    }
    // Whatever is still held back is lost.
    compare(&shop).await;
    assert_all(&shop, &browser).await;
}

async fn compare(shop: &Shop) {
    shop.settle().await;
    shop.reconcile().await;
    shop.settle().await;
}

/// Moves both clocks. Nothing of what happens meanwhile is told before our clock is as far as Stripe's.
async fn pass(shop: &Shop, days: i64) {
    let mut faults = shop.stripe.read_control("webhooks/faults").await;
    faults["hold"] = true.into();
    shop.stripe.control("webhooks/faults", faults).await;
    shop.stripe.control("advance", json!({ "days": days })).await;
    shop.app.database().advance_days(days).await;
    shop.stripe.control("webhooks/release", json!({ "shuffled": true })).await;
}

async fn assert_all(shop: &Shop, browser: &Browser) {
    let shown = Shown::read(shop).await;
    assert_is_as_stripe_has_it(shop, browser, &shown).await;
    assert_credit(shop, &shown).await;
    shop.app.database().assert_consistent().await;
}
