//! The objects of an account, kept as the JSON they are answered with.

use std::collections::HashMap;

use serde_json::Value;

use crate::stripe::error::{Answer, StripeError};

/// Every object, oldest first. A deleted one stays as the stub that Stripe answers for it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Objects {
    all: Vec<Value>,
    index: HashMap<String, usize>,
}

impl Objects {
    pub(crate) fn insert(&mut self, object: Value) {
        self.index.insert(object.text("id").to_owned(), self.all.len());
        self.all.push(object);
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Value> {
        self.index.get(id).map(|index| &self.all[*index])
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut Value> {
        self.index.get(id).map(|index| &mut self.all[*index])
    }

    /// An object of this kind that was not deleted; `None` for every other id.
    pub(crate) fn live(&self, kind: &str, id: &str) -> Option<&Value> {
        self.get(id).filter(|object| is_live(object, kind))
    }

    /// The object that an address names.
    pub(crate) fn find(&self, kind: &str, id: &str) -> Answer<Value> {
        self.live(kind, id).cloned().ok_or_else(|| StripeError::not_found(kind, id))
    }

    /// The object that a parameter names.
    pub(crate) fn find_for(&self, kind: &str, id: &str, param: &str) -> Answer<Value> {
        self.live(kind, id).cloned().ok_or_else(|| StripeError::no_such(kind, id, param))
    }

    /// The live objects of a kind, oldest first.
    pub(crate) fn of_kind<'a>(&'a self, kind: &'a str) -> impl DoubleEndedIterator<Item = &'a Value> {
        self.all.iter().filter(move |object| is_live(object, kind))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Value> {
        self.all.iter()
    }
}

fn is_live(object: &Value, kind: &str) -> bool {
    object.text("object") == kind && object["deleted"] != true
}

/// Reading fields of an object whose shape is known: what is absent or null counts as empty.
pub(crate) trait Fields {
    fn text(&self, field: &str) -> &str;
    fn optional_text(&self, field: &str) -> Option<&str>;
    fn integer(&self, field: &str) -> i64;
    fn is(&self, field: &str) -> bool;
    /// The elements of a list, whether plain or Stripe's list object.
    fn elements(&self, field: &str) -> &[Value];
}

impl Fields for Value {
    fn text(&self, field: &str) -> &str {
        self[field].as_str().unwrap_or_default()
    }

    fn optional_text(&self, field: &str) -> Option<&str> {
        self[field].as_str()
    }

    fn integer(&self, field: &str) -> i64 {
        self[field].as_i64().unwrap_or_default()
    }

    fn is(&self, field: &str) -> bool {
        self[field].as_bool().unwrap_or_default()
    }

    fn elements(&self, field: &str) -> &[Value] {
        let list = &self[field];
        list.as_array().or_else(|| list["data"].as_array()).map(Vec::as_slice).unwrap_or_default()
    }
}
