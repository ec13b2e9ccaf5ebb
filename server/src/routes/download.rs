//! Files to download: texts, and what is sent as it is read, such as comma-separated values.

use std::io;

use app::types::Actor;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use futures::stream::{self, Stream, StreamExt, TryStreamExt};
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, HeaderName};

use crate::routes::error_page;
use crate::{AppError, AppResult};

/// A table to keep, sent as it is read: an error on the way breaks the download off, so half a file never looks whole.
pub(super) fn attachment(
    name: &str,
    header: &'static str,
    rows: impl Stream<Item = AppResult<String>> + Send + 'static,
    actor: &Actor,
) -> Response {
    let lines = stream::once(async move { Ok(header.to_owned()) }).chain(rows);
    stream_attachment(name, "text/csv; charset=utf-8", lines, actor)
}

/// The same of a file that is no table.
pub(super) fn stream_attachment(
    name: &str,
    content_type: &str,
    pieces: impl Stream<Item = AppResult<String>> + Send + 'static,
    actor: &Actor,
) -> Response {
    let request_id = actor.request_id.clone();
    let pieces = pieces.map_err(move |error| io::Error::other(error.into_api(&request_id)));
    (headers(name, content_type), Body::from_stream(pieces)).into_response()
}

/// A text to keep, whole.
pub(super) fn text_attachment(name: &str, content_type: &str, text: String) -> Response {
    (headers(name, content_type), text).into_response()
}

fn headers(name: &str, content_type: &str) -> [(HeaderName, String); 3] {
    [
        (CONTENT_TYPE, content_type.to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"plumbline-{name}\"")),
        (CACHE_CONTROL, "private, no-store".to_owned()),
    ]
}

/// Reads page after page: each comes with the place where the next one begins.
pub(super) fn pages<Place, Read>(
    first: Place,
    read: impl Fn(Place) -> Read + Send + 'static,
) -> impl Stream<Item = AppResult<String>> + Send + 'static
where
    Place: Send + 'static,
    Read: Future<Output = AppResult<(String, Option<Place>)>> + Send + 'static,
{
    stream::try_unfold(Some(first), move |place| {
        let page = place.map(&read);
        async move {
            match page {
                Some(page) => page.await.map(Some),
                None => Ok(None),
            }
        }
    })
}

pub(super) fn answer_error(error: AppError, actor: &Actor) -> Response {
    error_page::html(&error.into_api(&actor.request_id), &actor.request_id)
}

/// A line of comma-separated values, as in RFC 4180.
pub(super) fn row(fields: &[String]) -> String {
    let fields: Vec<_> = fields.iter().map(|field| quoted(field)).collect();
    fields.join(",") + "\r\n"
}

fn quoted(field: &str) -> String {
    if field.contains(['"', ',', '\r', '\n']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

/// What people or models wrote must never run as a formula in a spreadsheet.
pub(super) fn text(value: &str) -> String {
    if value.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{value}") } else { value.to_owned() }
}

/// In UTC.
pub(super) fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::{row, text};

    #[test]
    fn commas_quotes_and_line_breaks_are_quoted() {
        let fields = ["plain", "a, b", "say \"hi\"", "two\nlines", ""].map(str::to_owned);
        assert_eq!(row(&fields), "plain,\"a, b\",\"say \"\"hi\"\"\",\"two\nlines\",\r\n");
    }

    #[test]
    fn a_text_that_looks_like_a_formula_is_only_text() {
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"] {
            assert_eq!(text(formula), format!("'{formula}"));
        }
        assert_eq!(text("1-1=0"), "1-1=0");
    }
}
