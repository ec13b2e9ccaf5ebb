//! The books of one account: its objects, its clock, and the events that are still to be told.

use std::collections::{HashMap, HashSet};

use chrono::Utc;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::stripe::cards::CardModes;
use crate::stripe::checkout::Order;
use crate::stripe::error::Answer;
use crate::stripe::form::Params;
use crate::stripe::idempotency::Answers;
use crate::stripe::objects::{Fields, Objects};
use crate::stripe::shape::{prefix_of, shaped};

/// The API version whose shapes the sandbox speaks.
pub(crate) const API_VERSION: &str = "2026-09-30.endive";

/// What becomes of a subscription whose last retry failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AfterRetries {
    #[default]
    Cancel,
    MarkUnpaid,
    LeavePastDue,
}

/// Everything an account holds. One request at a time changes it.
pub(crate) struct Books {
    /// What the account's ids have in common, made from the key: no two accounts share an id.
    pub(crate) tag: String,
    /// Where the hosted pages are, without a slash at the end.
    pub(crate) pages: String,
    pub(crate) objects: Objects,
    pub(crate) card_modes: CardModes,
    pub(crate) after_retries: AfterRetries,
    pub(crate) answers: Answers,
    /// The events that no webhook endpoint was told of yet.
    pub(crate) outbox: Vec<Value>,
    /// The subscriptions whose customers were told that their trial ends soon.
    pub(crate) trial_warnings: HashSet<String>,
    /// What checkout pages were opened for, by session.
    pub(crate) orders: HashMap<String, Order>,
    /// What each webhook endpoint's events are signed with, by its id.
    pub(crate) webhook_secrets: HashMap<String, String>,
    next_number: u64,
    /// The request that is being answered: its id and its idempotency key.
    request: Option<(String, Option<String>)>,
    offset_seconds: i64,
    /// The moment that is being lived through while time is made up for.
    moment: Option<i64>,
}

impl Books {
    pub(crate) fn new(key: &str, pages: &str) -> Self {
        Self {
            tag: tag_of(key),
            pages: pages.to_owned(),
            objects: Objects::default(),
            card_modes: CardModes::default(),
            after_retries: AfterRetries::default(),
            answers: Answers::default(),
            outbox: Vec::new(),
            trial_warnings: HashSet::new(),
            orders: HashMap::new(),
            webhook_secrets: HashMap::new(),
            next_number: 0,
            request: None,
            offset_seconds: 0,
            moment: None,
        }
    }

    /// The account's time, in Unix seconds.
    pub(crate) fn now(&self) -> i64 {
        self.moment.unwrap_or_else(|| Utc::now().timestamp() + self.offset_seconds)
    }

    /// How far the account's clock is ahead of the real one, in seconds.
    pub(crate) fn offset_seconds(&self) -> i64 {
        self.offset_seconds
    }

    /// Moves the clock. What falls due meanwhile is not done yet: see `clock::catch_up`.
    pub(crate) fn move_clock(&mut self, seconds: i64) {
        self.offset_seconds += seconds;
    }

    /// Lives through a moment of the past, or ends doing so.
    pub(crate) fn set_moment(&mut self, moment: Option<i64>) {
        self.moment = moment;
    }

    /// Says which request the events come from that are recorded from now on.
    pub(crate) fn set_request(&mut self, request: Option<(String, Option<String>)>) {
        self.request = request;
    }

    /// Undoes everything, events included, when the work fails.
    pub(crate) fn all_or_nothing<T>(&mut self, work: impl FnOnce(&mut Self) -> Answer<T>) -> Answer<T> {
        let (objects, told) = (self.objects.clone(), self.outbox.len());
        let done = work(self);
        if done.is_err() {
            self.objects = objects;
            self.outbox.truncate(told);
        }
        done
    }

    pub(crate) fn new_id(&mut self, kind: &str) -> String {
        self.new_id_with(prefix_of(kind))
    }

    pub(crate) fn new_id_with(&mut self, prefix: &str) -> String {
        self.next_number += 1;
        format!("{prefix}_{}{:06}", self.tag, self.next_number)
    }

    /// Makes an object with a new id and keeps it.
    pub(crate) fn create(&mut self, kind: &str, fields: Value) -> Value {
        let object = self.draft(kind, fields);
        self.objects.insert(object.clone());
        object
    }

    /// Makes an object with a new id that lives inside another one.
    pub(crate) fn draft(&mut self, kind: &str, fields: Value) -> Value {
        let mut object = shaped(kind, fields);
        object["id"] = self.new_id(kind).into();
        if !object["created"].is_null() {
            object["created"] = self.now().into();
        }
        object
    }

    /// Changes an object without an event, and gives it back as it is then.
    pub(crate) fn edit(&mut self, id: &str, edit: impl FnOnce(&mut Value)) -> Value {
        let Some(object) = self.objects.get_mut(id) else { return Value::Null };
        edit(object);
        object.clone()
    }

    /// Changes an object, and tells of it if anything is different afterwards.
    pub(crate) fn change(&mut self, id: &str, event: &str, edit: impl FnOnce(&mut Value)) -> Value {
        let before = self.objects.get(id).cloned().unwrap_or_default();
        let after = self.edit(id, edit);
        let previous = differing_fields(&before, &after);
        if previous != json!({}) {
            self.tell_change(event, &after, previous);
        }
        after
    }

    /// Records an event about an object as it is now.
    pub(crate) fn tell(&mut self, event: &str, object: &Value) {
        self.record(event, json!({"object": object}));
    }

    /// The same for an object as the books have it.
    pub(crate) fn tell_of(&mut self, event: &str, id: &str) {
        if let Some(object) = self.objects.get(id).cloned() {
            self.tell(event, &object);
        }
    }

    /// Records that an object changed, with the fields as they were.
    pub(crate) fn tell_change(&mut self, event: &str, object: &Value, previous: Value) {
        self.record(event, json!({"object": object, "previous_attributes": previous}));
    }

    fn record(&mut self, event: &str, data: Value) {
        let (id, key) = self.request.clone().unzip();
        let request = json!({"id": id, "idempotency_key": key.flatten()});
        let fields = json!({"type": event, "data": data, "api_version": API_VERSION, "request": request});
        let event = self.create("event", fields);
        self.outbox.push(event);
    }
}

/// Eight letters that stand for a key.
pub(crate) fn tag_of(key: &str) -> String {
    let digest = Sha256::digest(key.as_bytes());
    digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

/// The account's tag inside an id of one of its objects.
pub(crate) fn tag_in(id: &str) -> Option<&str> {
    id.rsplit('_').next()?.get(..8)
}

fn differing_fields(before: &Value, after: &Value) -> Value {
    let Some(fields) = before.as_object() else { return json!({}) };
    let differs = |(name, _): &(&String, &Value)| before[name.as_str()] != after[name.as_str()];
    Value::Object(fields.iter().filter(differs).map(|(name, value)| (name.clone(), value.clone())).collect())
}

/// Text fields taken over from the parameters; empty ones become null.
pub(crate) fn take_texts(object: &mut Value, params: &Params, names: &[&str]) {
    for name in names {
        if let Some(text) = params.text(name) {
            object[*name] = text.into();
        } else if params.is_cleared(name) {
            object[*name] = Value::Null;
        }
    }
}

/// Merges metadata as Stripe does: an empty value removes the key, an empty `metadata` all of them.
pub(crate) fn take_metadata(object: &mut Value, params: &Params) {
    if params.is_cleared("metadata") {
        object["metadata"] = json!({});
    }
    let Some(Value::Object(sent)) = params.raw("metadata") else { return };
    let mut metadata = object["metadata"].as_object().cloned().unwrap_or_default();
    for (name, value) in sent {
        if value == "" {
            metadata.remove(name);
        } else {
            metadata.insert(name.clone(), value.clone());
        }
    }
    object["metadata"] = Value::Object(metadata);
}

/// The ids of the objects of a kind that pass a test, oldest first.
pub(crate) fn ids_where(books: &Books, kind: &str, test: impl Fn(&Value) -> bool) -> Vec<String> {
    books
        .objects
        .of_kind(kind)
        .filter(|object| test(object))
        .map(|object| object.text("id").to_owned())
        .collect()
}
