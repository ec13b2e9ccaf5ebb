//! Webhooks: signed, in order, and broken on demand.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::routing::post;
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::net::TcpListener;

use crate::account::{Account, GOOD_CARD};

const SECRET: &str = "whsec_known";

/// An endpoint that keeps what it receives, and answers as told.
#[derive(Clone)]
struct Receiver {
    received: Arc<Mutex<Vec<Value>>>,
    refusals: Arc<Mutex<u32>>,
    url: String,
}

impl Receiver {
    /// Listens, and is registered with an account.
    async fn of(account: &Account, refusals: u32) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let receiver = Self { received: Arc::default(), refusals: Arc::new(Mutex::new(refusals)), url };
        let own = receiver.clone();
        let router = Router::new()
            .route("/", post(async move |headers: HeaderMap, body: String| own.take(&headers, &body)));
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let listener = listener.into_std().unwrap();
            runtime.block_on(async {
                axum::serve(TcpListener::from_std(listener).unwrap(), router).await.unwrap()
            });
        });
        let endpoint = json!({"url": receiver.url, "secret": SECRET});
        account.control(Method::POST, "/webhooks/endpoints", endpoint).await;
        receiver
    }

    fn take(&self, headers: &HeaderMap, body: &str) -> StatusCode {
        assert!(is_signed(headers["stripe-signature"].to_str().unwrap(), body));
        let mut refusals = self.refusals.lock().unwrap();
        if *refusals > 0 {
            *refusals -= 1;
            return StatusCode::SERVICE_UNAVAILABLE;
        }
        self.received.lock().unwrap().push(serde_json::from_str(body).unwrap());
        StatusCode::OK
    }

    /// The types of what was received so far, once nothing is on its way.
    async fn types(&self, account: &Account) -> Vec<String> {
        account.control(Method::POST, "/webhooks/settle", json!(null)).await;
        let received = self.received.lock().unwrap();
        received.iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
    }
}

fn is_signed(header: &str, body: &str) -> bool {
    let (time, signature) = header.split_once(",v1=").unwrap();
    let time = time.strip_prefix("t=").unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(format!("{time}.{body}").as_bytes());
    let expected: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let age = chrono::Utc::now().timestamp() - time.parse::<i64>().unwrap();
    signature == expected && age.abs() < 300
}

#[tokio::test]
async fn events_arrive_signed_by_the_real_clock_and_in_order() {
    let account = Account::new("webhooks");
    let receiver = Receiver::of(&account, 0).await;
    account.advance(40).await;
    let customer = account.customer().await;
    account.delete(&format!("customers/{customer}")).await;
    assert_eq!(receiver.types(&account).await, ["customer.created", "customer.deleted"]);
}

#[tokio::test]
async fn a_refused_delivery_is_tried_again() {
    let account = Account::new("retries");
    let receiver = Receiver::of(&account, 1).await;
    account.customer().await;
    assert_eq!(receiver.types(&account).await, ["customer.created"]);
    let journal = account.control(Method::GET, "/webhooks/journal", json!(null)).await;
    let statuses: Vec<_> =
        journal[0]["attempts"].as_array().unwrap().iter().map(|attempt| &attempt["status"]).collect();
    assert_eq!((statuses, &journal[0]["state"]), (vec![&json!(503), &json!(200)], &json!("delivered")));
}

#[tokio::test]
async fn deliveries_are_lost_doubled_and_held_back_on_demand() {
    let account = Account::new("faults");
    let receiver = Receiver::of(&account, 0).await;
    account.control(Method::PUT, "/webhooks/faults", json!({"drop_next": 1, "duplicates": 1})).await;
    account.customer().await;
    account.customer().await;
    assert_eq!(receiver.types(&account).await.len(), 2);
    account.control(Method::PUT, "/webhooks/faults", json!({"hold": true})).await;
    account.customer().await;
    assert_eq!(receiver.types(&account).await.len(), 2);
    account.control(Method::POST, "/webhooks/release", json!({})).await;
    assert_eq!(receiver.types(&account).await.len(), 3);
    let journal = account.control(Method::GET, "/webhooks/journal", json!(null)).await;
    assert_eq!(journal[0]["state"], "dropped");
    account.control(Method::POST, "/webhooks/redeliver", json!({"event": journal[0]["event"]})).await;
    assert_eq!(receiver.types(&account).await.len(), 4);
}

#[tokio::test]
async fn what_happens_together_arrives_in_any_order_on_demand() {
    let account = Account::new("shuffled");
    let receiver = Receiver::of(&account, 0).await;
    account.control(Method::PUT, "/webhooks/faults", json!({"shuffle": true})).await;
    let price = account.monthly_price("pro").await;
    for _ in 0..3 {
        let customer = account.customer().await;
        account.subscribe(&customer, &price, GOOD_CARD).await;
    }
    let (mut happened, mut received) = (account.event_types().await, receiver.types(&account).await);
    assert_ne!(received, happened);
    happened.sort();
    received.sort();
    assert_eq!(received, happened);
}

#[tokio::test]
async fn an_event_leaves_late_on_demand() {
    let account = Account::new("late");
    let receiver = Receiver::of(&account, 0).await;
    account.control(Method::PUT, "/webhooks/faults", json!({"delay_ms": 20})).await;
    account.customer().await;
    assert_eq!(receiver.types(&account).await, ["customer.created"]);
    account.control(Method::PUT, "/webhooks/faults", json!({"delay_ms": 3_600_000})).await;
    account.customer().await;
    let journal = account.control(Method::GET, "/webhooks/journal", json!(null)).await;
    assert_eq!((&journal[1]["state"], &journal[1]["attempts"]), (&json!("pending"), &json!([])));
}
