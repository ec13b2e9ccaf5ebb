use serde_json::json;
use url::Url;

use crate::support::{Shop, WEBHOOK_SECRET};

/// The events of this test; those of making the prices are fetched by themselves.
const OURS: &str =
    "select count(*) from stripe_events where id like 'evt__' or type in ('unknown', 'v2.test')";

/// Signs as Stripe does, some seconds ago.
pub fn sign(body: &str, seconds_ago: i64) -> String {
    sign_with(WEBHOOK_SECRET, body, seconds_ago)
}

fn sign_with(secret: &str, body: &str, seconds_ago: i64) -> String {
    let at = chrono::Utc::now().timestamp() - seconds_ago;
    stripe_webhook::Webhook::generate_test_header(body, secret, Some(at))
}

pub async fn deliver(app: &Url, body: &str, signature: &str) -> u16 {
    let url = app.join("webhooks/stripe").expect("a path");
    let request = reqwest::Client::new().post(url).header("stripe-signature", signature);
    request.body(body.to_owned()).send().await.expect("an answer").status().as_u16()
}

pub fn event(id: &str, kind: &str, object: &serde_json::Value) -> String {
    json!({
        "id": id, "object": "event", "type": kind, "api_version": "2026-09-30.endive", "created": 1, "livemode": false,
        "pending_webhooks": 1, "request": null, "data": { "object": object },
    })
    .to_string()
}

/// (29)
#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_taken_when_stripe_has_signed_it_just_now_whatever_it_says() {
    let shop = Shop::without_webhooks().await;
    let app = &shop.app.url;
    let customer = json!({ "object": "customer", "id": "cus_unknown" });
    let body = event("evt_1", "customer.updated", &customer);
    let good = sign(&body, 0);
    let (time, signature) = good.split_once(',').expect("two parts");

    let wrong = "v1=".to_owned() + &"0".repeat(64);
    assert_eq!(deliver(app, &body, &format!("{time},{wrong}")).await, 400, "a bad signature");
    assert_eq!(deliver(app, &body, "").await, 400, "none");
    assert_eq!(deliver(app, &body, &sign(&body, 301)).await, 400, "an old one");
    assert_eq!(deliver(app, &body.replace("cus_", "cuz_"), &good).await, 400, "of another body");
    let live = body.replace("\"livemode\":false", "\"livemode\":true");
    assert_eq!(deliver(app, &live, &sign(&live, 0)).await, 400, "live, with a key of the test mode");
    assert_eq!(shop.number(OURS).await, 0);

    for signatures in [format!("{wrong},{signature}"), format!("{signature},{wrong}")] {
        let header = format!("{time},{signatures}");
        assert_eq!(deliver(app, &body, &header).await, 200, "one of several is good");
    }
    let unknown = event("evt_2", "moon.rises", &json!({ "object": "moon", "id": "moon_1" }));
    assert_eq!(deliver(app, &unknown, &sign(&unknown, 0)).await, 200, "of a kind nobody knows");
    let newer = event("evt_3", "invoice.paid", &json!({ "object": "invoice", "customer": "cus_unknown" }));
    let newer = newer.replace("2026-09-30.endive", "2031-01-01.fennel");
    assert_eq!(deliver(app, &newer, &sign(&newer, 0)).await, 200, "of a shape nobody knows");
    let thin = json!({ "object": "v2.core.event", "id": "evt_4", "type": "v2.test", "related_object": null });
    for odd in [thin.to_string(), r#"{ "hello": ["world"] }"#.to_owned(), "hello".to_owned()] {
        for _ in 0..2 {
            assert_eq!(deliver(app, &odd, &sign(&odd, 0)).await, 200, "{odd}");
        }
    }
    shop.settle().await;
    assert_eq!(shop.number(OURS).await, 6, "all are kept, once");
    assert_eq!(shop.number("select count(*) from stripe_events where processed_at is null").await, 0);
}

/// (29)
#[tokio::test(flavor = "multi_thread")]
async fn while_a_secret_is_replaced_both_are_good() {
    let shop = Shop::without_webhooks().await;
    let both = ["whsec_old", "whsec_new"].map(|secret| secret.to_owned().into());
    let app = shop
        .app
        .another_server_with(|config| {
            let stripe = config.billing.stripe.as_mut().expect("it is set up");
            stripe.webhook_secrets = both.into();
        })
        .await;
    for (secret, status) in [("whsec_old", 200), ("whsec_new", 200), (WEBHOOK_SECRET, 400)] {
        let body = event(secret, "moon.rises", &json!({ "object": "moon" }));
        assert_eq!(deliver(&app, &body, &sign_with(secret, &body, 0)).await, status, "{secret}");
    }
}
