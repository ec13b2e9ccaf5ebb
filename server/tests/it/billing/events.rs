use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use futures::{StreamExt, stream};
use serde_json::{Value, json};

use super::webhooks::sign;
use crate::support::{Shop, begin};

/// (28)
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

/// The decisive events of a subscription that was upgraded and cancelled.
const DECISIVE: [&str; 5] = [
    "customer.subscription.created",
    "invoice.paid",
    "checkout.session.completed",
    "customer.subscription.updated",
    "customer.subscription.deleted",
];

/// Lives done at a time.
const AT_ONCE: usize = 4;

/// Subscriptions at one account at Stripe: the sandbox looks through all objects of an account for each request.
const A_SHOP: usize = 12;

fn permutations(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![vec![]];
    }
    let with = |order: &Vec<usize>, place| {
        let mut order = order.clone();
        order.insert(place, count - 1);
        order
    };
    let shorter = permutations(count - 1);
    shorter.iter().flat_map(|order| (0..count).map(move |place| with(order, place))).collect()
}

/// From a subscription to Pro over one to Max to none; its customer.
async fn live(shop: &Shop) -> String {
    let customer = shop.account().await;
    shop.subscribe_customer(&customer).await;
    let subscription = &shop.stripe.list(&format!("subscriptions?customer={customer}")).await[0];
    let path = format!("subscriptions/{}", subscription["id"].as_str().expect("an id"));
    let item = subscription["items"]["data"][0]["id"].as_str().expect("an id");
    let max = shop.stripe.price_id("plumbline_max_month").await;
    let upgrade =
        [("items[0][id]", item), ("items[0][price]", &max), ("proration_behavior", "always_invoice")];
    shop.stripe.post(&path, &upgrade).await;
    shop.stripe.delete(&path).await;
    customer
}

/// The bodies of each customer's decisive events: of several of a kind, the last.
async fn decisive_events(shop: &Shop) -> BTreeMap<String, Vec<String>> {
    let mut bodies: BTreeMap<String, BTreeMap<usize, String>> = BTreeMap::new();
    for event in shop.stripe.list_all("events").await {
        let kind = DECISIVE.iter().position(|kind| event["type"] == *kind);
        if let Some((kind, customer)) = kind.zip(event["data"]["object"]["customer"].as_str()) {
            bodies.entry(customer.to_owned()).or_default().entry(kind).or_insert_with(|| event.to_string());
        }
    }
    bodies.into_iter().map(|(customer, bodies)| (customer, bodies.into_values().collect())).collect()
}

/// In this order and a few at a time, and then all of them again.
async fn tell(shop: &Shop, http: &reqwest::Client, events: &[String], order: &[usize]) {
    let url = shop.app.url.join("webhooks/stripe").expect("a path");
    let twice = order.iter().chain(order).map(|event| &events[*event]);
    stream::iter(twice)
        .for_each_concurrent(3, |body| {
            let request = http.post(url.clone()).header("stripe-signature", sign(body, 0));
            async move {
                let answer = request.body(body.clone()).send().await.expect("an answer");
                assert_eq!(answer.status(), 200);
            }
        })
        .await;
}

/// What is kept of a customer: its plan, its subscription, and the cents of credit for each cause.
async fn kept(shop: &Shop, customer: &str) -> Value {
    let sql = format!(
        "select jsonb_build_object(
            'plan', plan,
            'subscription', (select jsonb_build_object('id', id, 'status', status, 'plan', s.plan, 'amount', amount_cents)
                from subscriptions s where account_id = accounts.id),
            'credit', (select jsonb_object_agg(cause, amount_nanos / 10000000)
                from ledger_entries where account_id = accounts.id))::text
         from accounts where stripe_customer_id = '{customer}'"
    );
    serde_json::from_str(shop.app.database().rows(&sql).await[0].get(0)).expect("JSON")
}

/// The same, as Stripe has it.
async fn shown(shop: &Shop, customer: &str) -> Value {
    let subscriptions = shop.stripe.list(&format!("subscriptions?customer={customer}&status=all")).await;
    let [subscription] = &subscriptions[..] else { panic!("{subscriptions:?}") };
    let invoices = shop.stripe.list(&format!("invoices?customer={customer}")).await;
    let credit = |invoice: &Value| {
        assert_eq!(invoice["status"], "paid");
        let id = invoice["id"].as_str().expect("an id");
        // Pro's of a whole month; then the difference to Max', for all of it but the moments between both.
        let cents = if invoice["billing_reason"] == "subscription_create" { 1500 } else { 6500 };
        (format!("invoice:{id}"), json!(cents))
    };
    json!({
        "plan": "free",
        "subscription": {
            "id": subscription["id"], "status": subscription["status"], "plan": "max",
            "amount": subscription["items"]["data"][0]["price"]["unit_amount"],
        },
        "credit": invoices.iter().map(credit).collect::<serde_json::Map<_, _>>(),
    })
}

/// (28) Each order on a subscription of its own, which is told nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn every_permutation_of_a_subscriptions_events_twice_and_concurrently_ends_in_what_stripe_shows() {
    let orders = permutations(DECISIVE.len());
    assert_eq!(orders.iter().collect::<BTreeSet<_>>().len(), 120);
    for orders in orders.chunks(A_SHOP) {
        assert_orders_end_alike(orders).await;
    }
}

async fn assert_orders_end_alike(orders: &[Vec<usize>]) {
    let shop = Shop::without_webhooks().await;
    shop.app.another_state(|_| {}).spawn_worker();
    let customers: Vec<_> =
        stream::iter(orders).map(|_| live(&shop)).buffer_unordered(AT_ONCE).collect().await;
    let (events, http) = (decisive_events(&shop).await, reqwest::Client::new());
    let lives: Vec<_> = customers.iter().zip(orders).collect();
    stream::iter(&lives)
        .for_each_concurrent(AT_ONCE, |(customer, order)| {
            let events = &events[*customer];
            assert_eq!(events.len(), DECISIVE.len());
            tell(&shop, &http, events, order)
        })
        .await;
    shop.settle().await;

    for (customer, order) in lives {
        let mut kept = kept(&shop, customer).await;
        for cents in kept["credit"].as_object_mut().expect("credit").values_mut() {
            // A difference for a little less than a month.
            let whole = cents.as_i64().expect("cents");
            *cents = if (6400..6500).contains(&whole) { json!(6500) } else { json!(whole) };
        }
        assert_eq!(kept, shown(&shop, customer).await, "told in order {order:?}");
    }
    assert_eq!(shop.number("select count(*) from stripe_events where processed_at is null").await, 0);
}
