use futures::future::join_all;
use serde_json::json;

use crate::support::{Shop, begin};

/// Fault 28.
#[tokio::test(flavor = "multi_thread")]
async fn every_order_and_repetition_of_a_subscriptions_events_ends_in_what_stripe_has() {
    let shop = Shop::open().await;
    let (browser, customer) = shop.subscriber("pro", "month").await;
    begin(&browser, "billing/change_plan", &[("plan", "max"), ("interval", "month")]).await;
    shop.stripe.advance_days(32).await;
    shop.settle().await;
    let expected = shop.books().await;
    let events = shop.stripe.list("events?limit=100").await;
    let events: Vec<_> = events.iter().filter(|event| event.to_string().contains(&customer)).collect();
    assert!(events.len() > 5, "{events:?}");

    for shift in (0..events.len()).step_by(4) {
        // Everything is forgotten, and told again in another order, twice, and all at once.
        shop.app
            .database()
            .execute(
                "delete from stripe_events; delete from subscriptions; delete from invoices; delete from purchases;
                 update accounts set plan = 'free'",
            )
            .await;
        let rotated = events.iter().cycle().skip(shift).take(events.len());
        let ordered: Vec<_> = if shift % 8 == 0 {
            rotated.collect()
        } else {
            rotated.collect::<Vec<_>>().into_iter().rev().collect()
        };
        let twice = ordered.iter().flat_map(|event| [event, event]);
        join_all(twice.map(|event| async {
            let id = event["id"].as_str().expect("an id");
            shop.stripe.control("webhooks/redeliver", json!({ "event": id })).await
        }))
        .await;
        shop.settle().await;
        assert_eq!(shop.books().await, expected, "in order {shift}");
    }
    assert_eq!(shop.number("select count(*) from stripe_events where processed_at is null").await, 0);
}
