//! How the answer is to be chosen: which values there are.

use serde_json::Value;

use super::V1Error;

/// Of a temperature.
pub(super) const HOTTEST: f32 = 2.0;

/// Of `frequency_penalty` and `presence_penalty`, either way.
pub(super) const MOST_PENALTY: f32 = 2.0;

/// Which of them a model knows, its provider says.
pub(super) const EFFORTS: &[&str] = &["none", "minimal", "low", "medium", "high", "xhigh", "max"];
pub(super) const VERBOSITIES: &[&str] = &["low", "medium", "high"];

const MOST_STOPS: usize = 4;

/// # Errors
/// When it is beyond that.
pub(super) fn within(name: &str, value: Option<f32>, least: f32, most: f32) -> Result<Option<f32>, V1Error> {
    match value {
        Some(value) if !(least..=most).contains(&value) => {
            Err(V1Error::invalid(format!("`{name}` goes from {least} to {most}.")).about(name))
        }
        value => Ok(value),
    }
}

/// None of none: some who know no penalties refuse also that.
///
/// # Errors
/// When it is beyond what there is.
pub(super) fn penalty(name: &str, value: Option<f32>) -> Result<Option<f32>, V1Error> {
    Ok(within(name, value, -MOST_PENALTY, MOST_PENALTY)?.filter(|value| *value != 0.0))
}

/// # Errors
/// When it is none of those.
pub(super) fn one_of(
    name: &str,
    value: Option<&str>,
    known: &[&'static str],
) -> Result<Option<&'static str>, V1Error> {
    let Some(value) = value else { return Ok(None) };
    match known.iter().find(|known| **known == value) {
        Some(known) => Ok(Some(known)),
        None => {
            let message = format!("`{name}` is one of these: {}.", known.join(", "));
            Err(V1Error::invalid(message).about(name))
        }
    }
}

/// # Errors
/// When they are none.
pub(super) fn stops(stop: Option<Value>) -> Result<Vec<String>, V1Error> {
    let texts = match stop {
        None => Some(vec![]),
        Some(Value::Array(stops)) => stops.into_iter().map(text).collect(),
        Some(stop) => text(stop).map(|text| vec![text]),
    };
    texts.filter(|texts| texts.len() <= MOST_STOPS).ok_or_else(|| {
        let message = format!("`stop` is a text, or up to {MOST_STOPS} of them, none of them empty.");
        V1Error::invalid(message).about("stop")
    })
}

fn text(stop: Value) -> Option<String> {
    match stop {
        Value::String(text) => Some(text).filter(|text| !text.is_empty()),
        _ => None,
    }
}
