//! Stripe's form encoding: `items[0][price]=…`, `expand[]=…`, all leaves text.

use serde_json::{Map, Value};
use url::form_urlencoded;

use crate::stripe::error::{Answer, StripeError};

const DEEPEST_NESTING: usize = 10;

/// The parameters of a request, or of one of its nested objects.
#[derive(Clone, Debug, Default)]
pub(crate) struct Params {
    fields: Map<String, Value>,
    /// Where in the request this is, so that an error can name the parameter.
    path: String,
}

impl Params {
    /// Reads a form body or a query string.
    pub(crate) fn parse(form: &[u8]) -> Answer<Self> {
        let mut root = Value::Object(Map::new());
        for (name, value) in form_urlencoded::parse(form) {
            insert(&mut root, &name, value.into_owned())?;
        }
        let fields = match root {
            Value::Object(fields) => {
                fields.into_iter().map(|(name, value)| (name, lists_of(value))).collect()
            }
            _ => Map::new(),
        };
        Ok(Self { fields, path: String::new() })
    }

    /// The text of a parameter; absent and empty are the same.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name)?.as_str().filter(|text| !text.is_empty())
    }

    /// Whether a parameter was sent empty, which unsets the field.
    pub(crate) fn is_cleared(&self, name: &str) -> bool {
        self.fields.get(name).and_then(Value::as_str) == Some("")
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.fields.contains_key(name)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.keys().map(String::as_str)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    pub(crate) fn required(&self, name: &str) -> Answer<&str> {
        self.text(name).ok_or_else(|| StripeError::missing_parameter(&self.name_of(name)))
    }

    pub(crate) fn integer(&self, name: &str) -> Answer<Option<i64>> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let invalid = |_| StripeError::invalid(&self.name_of(name), format!("Invalid integer: {text}"));
        text.parse().map(Some).map_err(invalid)
    }

    pub(crate) fn flag(&self, name: &str) -> Answer<Option<bool>> {
        match self.text(name) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(other) => {
                Err(StripeError::invalid(&self.name_of(name), format!("Invalid boolean: {other}")))
            }
        }
    }

    /// A text that must be one of those listed, when it is there.
    pub(crate) fn one_of(&self, name: &str, allowed: &[&str]) -> Answer<Option<&str>> {
        match self.text(name) {
            Some(text) if !allowed.contains(&text) => {
                let message = format!("Invalid {name}: must be one of {}", allowed.join(", or "));
                Err(StripeError::invalid(&self.name_of(name), message))
            }
            text => Ok(text),
        }
    }

    /// A nested object; without it, one that has no fields.
    pub(crate) fn nested(&self, name: &str) -> Self {
        let fields = self.fields.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
        Self { fields, path: self.name_of(name) }
    }

    /// The objects of a list.
    pub(crate) fn list(&self, name: &str) -> Vec<Self> {
        let items = self.fields.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
        let nested = |(index, item): (usize, Value)| Self {
            fields: item.as_object().cloned().unwrap_or_default(),
            path: format!("{}[{index}]", self.name_of(name)),
        };
        items.into_iter().enumerate().map(nested).collect()
    }

    /// The texts of a list.
    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        let items = self.fields.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// The parameter as it was sent, for fields that are only kept and given back.
    pub(crate) fn raw(&self, name: &str) -> Option<&Value> {
        self.fields.get(name)
    }

    /// Whether an object passes the filter of this name: the parameter is absent or equals the object's field.
    pub(crate) fn allows(&self, object: &Value, name: &str) -> bool {
        let Some(wanted) = self.text(name) else { return true };
        match &object[name] {
            Value::String(text) => text == wanted,
            Value::Bool(is_set) => wanted == if *is_set { "true" } else { "false" },
            _ => false,
        }
    }

    /// The full name of a parameter, as Stripe gives it in errors.
    pub(crate) fn name_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}[{name}]", self.path) }
    }
}

fn insert(root: &mut Value, name: &str, value: String) -> Answer<()> {
    let segments: Vec<&str> = name.split('[').map(|segment| segment.trim_end_matches(']')).collect();
    if segments.len() > DEEPEST_NESTING {
        return Err(StripeError::invalid(name, "Too deeply nested".into()));
    }
    let mut node = root;
    for segment in segments {
        let Some(fields) = node.as_object_mut() else {
            return Err(StripeError::invalid(name, "Invalid object".into()));
        };
        let key = if segment.is_empty() { fields.len().to_string() } else { segment.to_owned() };
        node = fields.entry(key).or_insert_with(|| Value::Object(Map::new()));
    }
    *node = Value::String(value);
    Ok(())
}

/// Objects whose keys are all numbers are lists.
fn lists_of(value: Value) -> Value {
    let Value::Object(fields) = value else { return value };
    let numbers: Option<Vec<usize>> = fields.keys().map(|key| key.parse().ok()).collect();
    let values = fields.into_iter().map(|(key, value)| (key, lists_of(value)));
    match numbers {
        Some(numbers) if !numbers.is_empty() => {
            let mut items: Vec<_> = numbers.into_iter().zip(values.map(|(_, value)| value)).collect();
            items.sort_by_key(|(number, _)| *number);
            Value::Array(items.into_iter().map(|(_, item)| item).collect())
        }
        _ => Value::Object(values.collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_names_become_objects_and_lists() {
        let form = b"items[0][price]=p-0&items[1][price]=p-1&expand[]=a&expand[]=b&metadata[x]=1&name=";
        let params = Params::parse(form).unwrap();
        let items = params.list("items");
        assert_eq!(items[1].required("price").unwrap(), "p-1");
        assert_eq!(items[1].name_of("price"), "items[1][price]");
        assert_eq!(params.texts("expand"), ["a", "b"]);
        assert_eq!(params.nested("metadata").integer("x").unwrap(), Some(1));
        assert!(params.is_cleared("name"));
    }

    #[test]
    fn contradicting_names_are_refused() {
        assert!(Params::parse(b"a=1&a[b]=2").is_err());
        assert!(Params::parse("[a".repeat(11).as_bytes()).is_err());
    }
}
