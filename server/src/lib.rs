//! How Plumbline works: routes and server functions call services; services call the store (SQL), the limits (Redis)
//! and the providers (HTTP). A lower layer never imports a higher one.

pub mod books;
pub mod caps;
pub mod commands;
pub mod config;
mod error;
pub mod jobs;
mod limits;
mod middleware;
mod outage;
pub mod output;
pub mod percentiles;
pub mod pricing;
mod providers;
mod router;
mod routes;
mod secret;
mod services;
pub mod simulation;
mod state;
pub mod store;
pub mod streams;
mod telemetry;

pub use error::{AppError, AppResult};
pub use router::build_router;
pub use services::day_totals::DayTotals;
pub use services::generation::{Admitted, Decision, GenerationService, Refusal};
pub use services::money_audit::MoneyAudit;
pub use state::{AppState, StartError};
pub use store::{apply_catalog, migrate};
