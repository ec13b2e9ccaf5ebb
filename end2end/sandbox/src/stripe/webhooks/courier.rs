//! Brings an account's events to its endpoints, one after the other, and keeps the journal of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::Utc;
use rand::Rng;
use reqwest::header::CONTENT_TYPE;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::stripe::objects::Fields;
use crate::stripe::webhooks::delivery::{AttemptRecord, Delivery, DeliveryState};
use crate::stripe::webhooks::endpoints::Destination;
use crate::stripe::webhooks::faults::Faults;
use crate::stripe::webhooks::signature;

const LONGEST_ATTEMPT: Duration = Duration::from_secs(10);

/// The webhooks of one account.
pub(crate) struct Courier {
    channel: Mutex<Channel>,
    /// Counts the changes of the channel, for whoever waits for one.
    changes: watch::Sender<u64>,
}

#[derive(Default)]
struct Channel {
    faults: Faults,
    deliveries: Vec<Delivery>,
    is_running: bool,
}

enum Next {
    Deliver(Box<Delivery>),
    WaitUntil(Instant),
    WaitForChange,
}

impl Courier {
    pub(crate) fn new() -> Self {
        Self { channel: Mutex::default(), changes: watch::Sender::new(0) }
    }

    /// Takes events that happened together. The answer is true the first time there is something to bring.
    pub(crate) fn take(&self, events: Vec<(Value, Vec<Destination>)>) -> bool {
        let mut channel = self.lock();
        for (event, destinations) in events {
            for destination in destinations {
                channel.add(&event, destination);
            }
        }
        let must_start = !channel.is_running && !channel.deliveries.is_empty();
        channel.is_running |= must_start;
        drop(channel);
        self.tell_change();
        must_start
    }

    /// Brings what is due, for ever.
    pub(crate) async fn run(self: Arc<Self>, http: reqwest::Client) {
        let mut changes = self.changes.subscribe();
        loop {
            changes.mark_unchanged();
            let next = self.lock().next();
            match next {
                Next::Deliver(delivery) => {
                    let attempt = attempt(&http, &delivery).await;
                    if let Some(kept) = self.lock().deliveries.get_mut(delivery.number) {
                        kept.note(attempt);
                    }
                    self.tell_change();
                }
                Next::WaitUntil(due) => {
                    tokio::select! {
                        () = tokio::time::sleep_until(due) => {}
                        _ = changes.changed() => {}
                    }
                }
                Next::WaitForChange => drop(changes.changed().await),
            }
        }
    }

    /// Waits until nothing is on its way. What is held back does not count.
    pub(crate) async fn settle(&self) {
        let mut changes = self.changes.subscribe();
        while self.lock().deliveries.iter().any(|delivery| delivery.state == DeliveryState::Pending) {
            drop(changes.changed().await);
        }
    }

    pub(crate) fn faults(&self) -> Faults {
        self.lock().faults.clone()
    }

    pub(crate) fn set_faults(&self, faults: Faults) {
        self.lock().faults = faults;
    }

    /// Lets what was held back go, in any order if so asked, and holds nothing back from now on.
    pub(crate) fn release(&self, shuffled: bool) {
        let mut channel = self.lock();
        channel.faults.hold = false;
        for delivery in &mut channel.deliveries {
            if delivery.state == DeliveryState::Held {
                delivery.state = DeliveryState::Pending;
                delivery.not_before = Instant::now();
                if shuffled {
                    delivery.place = rand::rng().random_range(0..=delivery.place);
                }
            }
        }
        drop(channel);
        self.tell_change();
    }

    /// Brings an event once more to whoever it went to, as if it had never been sent. False for an unknown event.
    pub(crate) fn redeliver(&self, event: &str) -> bool {
        let mut channel = self.lock();
        let mut endpoints: Vec<String> = Vec::new();
        let mut again: Vec<Delivery> = Vec::new();
        for delivery in channel.deliveries.iter().filter(|delivery| delivery.event == event) {
            if !endpoints.contains(&delivery.endpoint) {
                endpoints.push(delivery.endpoint.clone());
                again.push(delivery.clone());
            }
        }
        let is_known = !again.is_empty();
        for delivery in again {
            channel.push(Delivery { state: DeliveryState::Pending, attempts: Vec::new(), ..delivery });
        }
        drop(channel);
        self.tell_change();
        is_known
    }

    /// Everything that was to be delivered, oldest first.
    pub(crate) fn journal(&self) -> Vec<Delivery> {
        self.lock().deliveries.clone()
    }

    fn tell_change(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    fn lock(&self) -> MutexGuard<'_, Channel> {
        self.channel.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Channel {
    fn add(&mut self, event: &Value, destination: Destination) {
        let state = if self.faults.loses_one() {
            DeliveryState::Dropped
        } else if self.faults.hold {
            DeliveryState::Held
        } else {
            DeliveryState::Pending
        };
        let copies = if state == DeliveryState::Dropped { 1 } else { 1 + self.faults.duplicates };
        for _ in 0..copies {
            let delivery = Delivery {
                number: 0,
                event: event.text("id").to_owned(),
                event_type: event.text("type").to_owned(),
                endpoint: destination.endpoint.clone(),
                url: destination.url.clone(),
                state,
                attempts: Vec::new(),
                payload: event.to_string(),
                secret: destination.secret.clone(),
                not_before: Instant::now(),
                place: 0,
            };
            self.push(delivery);
        }
    }

    fn push(&mut self, mut delivery: Delivery) {
        delivery.number = self.deliveries.len();
        delivery.not_before = Instant::now() + Duration::from_millis(self.faults.delay_ms);
        delivery.place = delivery.number as u64;
        if self.faults.shuffle {
            delivery.place = rand::rng().random_range(0..=u64::MAX);
        }
        self.deliveries.push(delivery);
    }

    fn next(&self) -> Next {
        let now = Instant::now();
        let pending = || self.deliveries.iter().filter(|delivery| delivery.state == DeliveryState::Pending);
        if let Some(due) = pending().filter(|delivery| delivery.not_before <= now).min_by_key(|due| due.place)
        {
            return Next::Deliver(Box::new(due.clone()));
        }
        pending().map(|delivery| delivery.not_before).min().map_or(Next::WaitForChange, Next::WaitUntil)
    }
}

async fn attempt(http: &reqwest::Client, delivery: &Delivery) -> AttemptRecord {
    let at = Utc::now();
    let signature = signature::header(&delivery.payload, &delivery.secret, at.timestamp());
    let request = http
        .post(&delivery.url)
        .timeout(LONGEST_ATTEMPT)
        .header(CONTENT_TYPE, "application/json; charset=utf-8")
        .header("stripe-signature", signature)
        .header("user-agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
        .body(delivery.payload.clone());
    match request.send().await {
        Ok(response) => AttemptRecord { at, status: Some(response.status().as_u16()), error: None },
        Err(error) => AttemptRecord { at, status: None, error: Some(error.to_string()) },
    }
}
