//! What goes wrong in people's browsers, told by the page itself (`app/src/reports.rs`).

use axum::body::Body;
use axum::extract::Request;
use http::StatusCode;
use serde::Deserialize;

use crate::telemetry;

/// A report is a few hundred bytes long.
const MAX_BODY_BYTES: usize = 8 * 1024;

/// Of a report's texts, in characters.
const MAX_MESSAGE: usize = 2000;
const MAX_WORD: usize = 200;

#[derive(Deserialize)]
struct BrowserReport {
    kind: Kind,
    message: String,
    /// Of the page, without its query.
    path: String,
    /// Of the request that the page answered. None: the page is older than this field.
    request_id: Option<String>,
    /// Of what the browser runs, which may be older than the server.
    release: String,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Panic,
    /// The answer of a server function was none.
    Call,
}

/// Logged once, as an error, so that it is reported like every fault. The body is read by hand: a beacon comes as text.
pub(crate) async fn take_report(request: Request<Body>) -> StatusCode {
    let Ok(body) = axum::body::to_bytes(request.into_body(), MAX_BODY_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE;
    };
    let Ok(report) = serde_json::from_slice::<BrowserReport>(&body) else { return StatusCode::BAD_REQUEST };
    let (path, _) = report.path.split_once('?').unwrap_or((&report.path, ""));
    let [message, path, release] =
        [clean(&report.message, MAX_MESSAGE), clean(path, MAX_WORD), clean(&report.release, MAX_WORD)];
    let request_id = report.request_id.map(|id| clean(&id, MAX_WORD));
    tracing::error!(
        target: "browser",
        {
            browser.kind = ?report.kind, browser.path = path, browser.release = release, browser.request_id = request_id
        },
        "In a browser: {message}"
    );
    StatusCode::NO_CONTENT
}

/// Anybody can send anything here, and the log is for people to read.
fn clean(text: &str, most: usize) -> String {
    let cut: String = text.chars().take(most).collect();
    let line: String = cut.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    telemetry::scrubbed(&line)
}
