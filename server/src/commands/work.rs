//! The life of a process that serves nobody: it runs jobs, and sweeps.

use std::error::Error;

use super::metrics;
use super::serve::{SWEEP_EVERY, told_to_stop};
use crate::config::Config;
use crate::state::AppState;

/// Runs jobs until told to end, then lets those that run finish for as long as the settings say.
pub(super) async fn work(config: Config) -> Result<(), Box<dyn Error>> {
    let grace = config.server.shutdown_grace;
    let metrics_config = config.metrics;
    let state = AppState::new(config)?;
    metrics::serve(metrics_config, &state).await?;
    state.spawn_sweeper(SWEEP_EVERY);
    state.spawn_worker();
    tracing::info!("Running jobs");
    told_to_stop().await;
    tracing::info!("Shutting down: no new jobs, those that run may finish");
    state.begin_shutdown();
    state.finish_jobs(grace).await;
    tracing::info!("Shut down");
    Ok(())
}
