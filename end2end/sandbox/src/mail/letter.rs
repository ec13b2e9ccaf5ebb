//! A mail that arrived.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use mail_parser::MessageParser;
use serde::Serialize;

/// With what is in it taken apart; what cannot be read is empty.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Letter {
    /// Counts from one.
    pub(crate) id: usize,
    pub(crate) at: DateTime<Utc>,
    /// On the envelope.
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    pub(crate) subject: String,
    /// As written, unfolded; of several of a name the last.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) text: String,
    pub(crate) html: String,
    #[serde(skip)]
    pub(crate) raw: String,
}

impl Letter {
    pub(crate) fn read(id: usize, from: &str, to: &[String], raw: &[u8]) -> Self {
        let message = MessageParser::default().parse(raw).unwrap_or_default();
        let unfolded = |value: &str| value.split_whitespace().collect::<Vec<_>>().join(" ");
        Self {
            id,
            at: Utc::now(),
            from: from.to_owned(),
            to: to.to_vec(),
            subject: message.subject().unwrap_or_default().to_owned(),
            headers: message.headers_raw().map(|(name, value)| (name.to_owned(), unfolded(value))).collect(),
            text: message.body_text(0).unwrap_or_default().into_owned(),
            html: message.body_html(0).unwrap_or_default().into_owned(),
            raw: String::from_utf8_lossy(raw).into_owned(),
        }
    }
}
