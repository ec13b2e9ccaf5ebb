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
    release: &'static str,
}

/// The page has panicked, and does nothing any more.
pub fn report_panic(panic: &PanicHookInfo<'_>) {
    report(Kind::Panic, &panic.to_string());
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
    let report = Report { kind, message, path: &browser::path(), release: env!("CARGO_PKG_VERSION") };
    if let Ok(text) = serde_json::to_string(&report) {
        browser::send_beacon("/reports/browser", &text);
    }
}
