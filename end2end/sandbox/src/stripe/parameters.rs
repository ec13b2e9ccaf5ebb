//! Which parameters Stripe takes where, so that a misspelt one is refused here, too. Those inside others are not looked at.

use axum::http::Method;

use crate::stripe::error::{Answer, StripeError};
use crate::stripe::form::Params;

/// An endpoint a line: its method, its path with `*` for ids, and every parameter that it has at Stripe, also those that
/// the sandbox makes nothing of.
const PARAMETERS: &str = include_str!("parameters.txt");

/// Refuses what Stripe does not know. Where there is no line, anything goes.
pub(crate) fn refuse_unknown(method: &Method, path: &[&str], params: &Params) -> Answer<()> {
    let known = PARAMETERS.lines().find_map(|line| {
        let mut words = line.split(' ');
        let is_this =
            words.next() == Some(method.as_str()) && words.next().is_some_and(|own| fits(own, path));
        is_this.then_some(words)
    });
    let Some(known) = known else { return Ok(()) };
    match params.names().find(|name| !known.clone().any(|known| known == *name)) {
        Some(unknown) => Err(StripeError::unknown_parameter(unknown)),
        None => Ok(()),
    }
}

fn fits(pattern: &str, path: &[&str]) -> bool {
    let parts: Vec<_> = pattern.split('/').collect();
    parts.len() == path.len() && parts.iter().zip(path).all(|(part, own)| *part == "*" || part == own)
}
