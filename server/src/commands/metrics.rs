//! The listener for `/metrics`, beside whatever a process does.

use std::error::Error;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use crate::config::MetricsConfig;
use crate::routes;
use crate::state::AppState;
use crate::telemetry::metrics;

/// Timings are kept until somebody reads them, or for so long.
const TIDY_EVERY: Duration = Duration::from_secs(5);

/// Serves until the process ends, if the settings say where.
///
/// # Errors
/// When the address cannot be had.
pub(super) async fn serve(config: MetricsConfig, state: &AppState) -> Result<(), Box<dyn Error>> {
    let Some(addr) = config.listen_addr else { return Ok(()) };
    let listener = TcpListener::bind(addr)
        .await
        .map_err(|error| format!("cannot listen on {addr}: {error} (see METRICS_ADDR)"))?;
    let recorded = metrics::install()?;
    let router = routes::metrics::router(state.monitoring().clone(), recorded.clone());
    tracing::info!(%addr, "Serving metrics");
    let tidying = async move {
        let mut ticks = tokio::time::interval(TIDY_EVERY);
        loop {
            ticks.tick().await;
            recorded.run_upkeep();
        }
    };
    // Nobody waits for it: how a process shuts down can be watched, too.
    TaskTracker::new().spawn(async move {
        tokio::select! {
            served = axum::serve(listener, router) => served,
            () = tidying => Ok(()),
        }
    });
    Ok(())
}
