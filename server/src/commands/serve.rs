//! The life of a serving process.

use std::error::Error;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::connections::{self, Timeouts};
use super::metrics;
use crate::config::Config;
use crate::state::AppState;

/// How often replies whose process has died are looked for.
pub(super) const SWEEP_EVERY: Duration = Duration::from_secs(10);

/// How long clients may take to read the end of what is settled.
const LAST_BYTES: Duration = Duration::from_secs(3);

/// Streams say something every fifteen seconds, so whoever reads nothing for so long is gone.
const UNREAD_TIMEOUT: Duration = Duration::from_secs(60);

/// Serves until told to end, then lets replies in progress finish for as long as the settings say. What is not finished
/// by then is cut, saved and settled.
pub(super) async fn serve(config: Config, has_worker: bool) -> Result<(), Box<dyn Error>> {
    let (addr, public_url) = (config.server.listen_addr, config.server.public_url.clone());
    let grace = config.server.shutdown_grace;
    let timeouts = Timeouts { head: config.server.head_timeout, unread: UNREAD_TIMEOUT };
    let metrics_config = config.metrics;
    let state = AppState::new(config)?;
    let listener = TcpListener::bind(addr)
        .await
        .map_err(|error| format!("cannot listen on {addr}: {error} (see LISTEN_ADDR)"))?;
    metrics::serve(metrics_config, &state).await?;
    tracing::info!(%addr, %public_url, "Serving {public_url}");
    state.spawn_background(SWEEP_EVERY);
    if has_worker {
        state.spawn_worker();
    }

    let drained = CancellationToken::new();
    let serving = connections::serve(listener, crate::build_router(&state), timeouts, drained.clone());
    let failed_requests = state.failed_requests.clone();
    let last_bytes = async {
        drain(state, grace).await;
        drained.cancel();
        tokio::time::sleep(LAST_BYTES).await;
    };
    tokio::select! {
        () = serving => {}
        () = last_bytes => tracing::warn!("Some clients did not read to the end"),
    }
    failed_requests.finish(LAST_BYTES).await;
    tracing::info!("Shut down");
    Ok(())
}

/// Waits to be told, and then until every reply, change of a subscription and job has ended. Meanwhile requests are still
/// answered: that this process is no longer ready, that new replies are to be had elsewhere, and how those in progress go on.
async fn drain(state: AppState, grace: Duration) {
    told_to_stop().await;
    tracing::info!("Shutting down: no new replies, those in progress may finish");
    state.begin_shutdown();
    tokio::join!(state.finish_replies(grace), state.finish_changes(grace), state.finish_jobs(grace));
}

pub(super) async fn told_to_stop() {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
