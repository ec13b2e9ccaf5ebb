//! What the user sees, and the contract with the server that shows it.

#[cfg(all(feature = "ssr", feature = "hydrate"))]
compile_error!("`ssr` and `hydrate` exclude each other: build `frontend` on its own, for wasm32-unknown-unknown.");

pub mod api;
mod app;
mod error;
pub mod types;

pub use app::App;
#[cfg(feature = "ssr")]
pub use app::shell;
pub use error::{ApiError, ApiResult, ModelFailure};
