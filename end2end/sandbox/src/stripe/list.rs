//! Lists: newest first, `limit`, `starting_after`, `ending_before`, `has_more`, and `created` as a filter of all.

use serde_json::{Value, json};

use crate::stripe::books::Books;
use crate::stripe::error::{Answer, StripeError};
use crate::stripe::form::Params;
use crate::stripe::objects::Fields;

const USUAL_LIMIT: i64 = 10;
const HIGHEST_LIMIT: i64 = 100;

/// A page of the objects of a kind that pass a test.
pub(crate) fn page(
    books: &Books,
    kind: &str,
    url: &str,
    params: &Params,
    test: impl Fn(&Value) -> bool,
) -> Answer {
    let created = CreatedRange::read(params)?;
    let is_wanted = |object: &&Value| created.holds(object.integer("created")) && test(object);
    let wanted: Vec<Value> = books.objects.of_kind(kind).rev().filter(is_wanted).cloned().collect();
    page_of(wanted, kind, url, params)
}

/// A page of objects that are given newest first.
pub(crate) fn page_of(objects: Vec<Value>, kind: &str, url: &str, params: &Params) -> Answer {
    let limit = params.integer("limit")?.unwrap_or(USUAL_LIMIT);
    if !(1..=HIGHEST_LIMIT).contains(&limit) {
        let message = format!("This value must be between 1 and {HIGHEST_LIMIT}.");
        return Err(StripeError::invalid("limit", message));
    }
    let limit = usize::try_from(limit).unwrap_or_default();
    let position = |param: &str, id: &str| {
        let found = objects.iter().position(|object| object.text("id") == id);
        found.ok_or_else(|| StripeError::no_such(kind, id, param))
    };
    let (data, has_more) = if let Some(id) = params.text("ending_before") {
        let end = position("ending_before", id)?;
        let start = end.saturating_sub(limit);
        (objects[start..end].to_vec(), start > 0)
    } else {
        let start = match params.text("starting_after") {
            Some(id) => position("starting_after", id)? + 1,
            None => 0,
        };
        let end = objects.len().min(start + limit);
        (objects[start..end].to_vec(), end < objects.len())
    };
    Ok(json!({"object": "list", "url": url, "has_more": has_more, "data": data}))
}

/// `created=N` or `created[gt|gte|lt|lte]=N`.
struct CreatedRange {
    from: i64,
    to: i64,
}

impl CreatedRange {
    fn read(params: &Params) -> Answer<Self> {
        if let Some(exact) = params.integer("created")? {
            return Ok(Self { from: exact, to: exact });
        }
        let range = params.nested("created");
        let after = range.integer("gt")?.map(|second| second + 1);
        let before = range.integer("lt")?.map(|second| second - 1);
        Ok(Self {
            from: range.integer("gte")?.or(after).unwrap_or(i64::MIN),
            to: range.integer("lte")?.or(before).unwrap_or(i64::MAX),
        })
    }

    fn holds(&self, created: i64) -> bool {
        (self.from..=self.to).contains(&created)
    }
}
