//! Faults that only the browser sees, told to our server, which reports them with its own. A refusal is no fault: it is an
//! answer that could be read. A lost connection is none of ours, and could not be told anyway.

use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicU8, Ordering};

use serde::Serialize;
use server_fn::error::ServerFnErrorErr;

use crate::browser;

/// A page that is broken may fail without end; the first faults say why.
const MOST: u8 = 3;

/// Since the page was loaded.
static TOLD: AtomicU8 = AtomicU8::new(0);

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Panic,
    Call,
}

/// As `server/src/routes/reports.rs` reads it.
#[derive(Serialize)]
struct Report<'a> {
    kind: Kind,
    message: &'a str,
    path: &'a str,
    /// Of the request that the page answered.
    request_id: Option<&'a str>,
    release: &'static str,
}

/// The page has panicked, and does nothing any more.
pub fn report_panic(panic: &PanicHookInfo<'_>) {
    let location = panic.location().map(ToString::to_string).unwrap_or_default();
    report(Kind::Panic, &format!("Panicked at {location}: {}", panic_message(panic)));
}

/// What a panic says, without what it quotes: where a text was cut in the middle of a letter, that is the text.
pub fn panic_message(panic: &PanicHookInfo<'_>) -> String {
    panic.payload_as_str().map_or_else(|| "for a reason that is no text".to_owned(), without_quotes)
}

/// Begin messages of the language itself, and quote nobody.
const KNOWN: [&str; 5] = [
    "called `Option::unwrap()` on a `None` value",
    "called `Result::unwrap()` on an `Err` value",
    "called `Result::unwrap_err()` on an `Ok` value",
    "assertion `left == right` failed",
    "assertion `left != right` failed",
];

/// Nothing behind the first mark of a quote is kept: what is quoted may have such marks of its own.
fn without_quotes(message: &str) -> String {
    let known = KNOWN.into_iter().find(|known| message.starts_with(known)).unwrap_or_default();
    let rest = &message[known.len()..];
    match rest.split_once(['`', '"', '\'']) {
        Some((before, _)) => format!("{known}{before}[…]"),
        None => message.to_owned(),
    }
}

/// What a server function answered was not what its type says. Only how: the answer itself may be anybody's text.
pub(crate) fn report_call(error: &ServerFnErrorErr) {
    match error {
        ServerFnErrorErr::Deserialization(_) => report(Kind::Call, "An answer could not be read"),
        ServerFnErrorErr::Response(_) => report(Kind::Call, "An answer broke off"),
        _ => {}
    }
}

fn report(kind: Kind, message: &str) {
    if TOLD.fetch_add(1, Ordering::Relaxed) >= MOST {
        TOLD.store(MOST, Ordering::Relaxed);
        return;
    }
    let request_id = browser::page_request_id();
    let report = Report {
        kind,
        message,
        path: &browser::path(),
        request_id: request_id.as_deref(),
        release: env!("CARGO_PKG_VERSION"),
    };
    if let Ok(text) = serde_json::to_string(&report) {
        browser::send_beacon("/reports/browser", &text);
    }
}

#[cfg(test)]
mod tests {
    use super::without_quotes;

    #[test]
    fn what_a_panic_quotes_is_not_told() {
        let prompt = "`it's` a \"secret\" é";
        let cut = format!(
            "end byte index 21 is not a char boundary; it is inside 'é' (bytes 20..22) of `{prompt}`"
        );
        assert_eq!(without_quotes(&cut), "end byte index 21 is not a char boundary; it is inside […]");
        let wrong = format!("called `Result::unwrap()` on an `Err` value: Refused({prompt:?})");
        assert_eq!(without_quotes(&wrong), "called `Result::unwrap()` on an `Err` value: Refused([…]");
        let differs = format!("assertion `left == right` failed\n  left: {prompt:?}\n right: 1");
        assert_eq!(without_quotes(&differs), "assertion `left == right` failed\n  left: […]");
    }

    #[test]
    fn a_message_that_quotes_nothing_stays_whole() {
        for message in ["called `Option::unwrap()` on a `None` value", "index out of bounds: the len is 3"] {
            assert_eq!(without_quotes(message), message);
        }
    }
}
