//! What the user sees, and the contract with the server that shows it.

#[cfg(all(feature = "ssr", feature = "hydrate"))]
compile_error!(
    "`ssr` and `hydrate` exclude each other: build `frontend` on its own, for wasm32-unknown-unknown."
);

pub mod api;
mod app;
mod browser;
mod chart_scale;
mod components;
mod contexts;
mod error;
mod event_decoder;
pub mod links;
mod markdown;
mod overview_cards;
#[cfg(test)]
#[cfg(feature = "ssr")]
mod page_tests;
mod pages;
mod plan_choice;
mod reply_progress;
mod reports;
mod scroll_follow;
mod stream_watch;
mod time;
mod transcript;
pub mod types;
mod wording;

pub use app::App;
#[cfg(feature = "ssr")]
pub use app::shell;
pub use error::{ApiError, ApiResult, ModelFailure};
pub use reports::{panic_message, report_panic};
