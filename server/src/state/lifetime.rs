//! What runs beside the requests, from the start of a process to its end.

use std::time::Duration;

use super::AppState;

impl AppState {
    /// True from the signal to stop on: no new requests should be sent here.
    pub(crate) fn is_ending(&self) -> bool {
        self.is_ending.is_cancelled()
    }

    /// Takes no new replies from now on.
    pub fn begin_shutdown(&self) {
        self.is_ending.cancel();
        self.generations.begin_shutdown();
    }

    /// Waits until every reply in progress is saved and settled; those still going after `grace` are cut.
    pub async fn finish_replies(&self, grace: Duration) {
        self.generations.finish(grace).await;
    }

    /// Waits until every change of a subscription in progress is made; those still going after `grace` are cut.
    pub async fn finish_changes(&self, grace: Duration) {
        self.billing.finish(grace).await;
    }

    /// Waits for [`AppState::begin_shutdown`].
    pub(crate) async fn ending(&self) {
        self.is_ending.cancelled().await;
    }

    /// Starts what runs beside the requests: listening for replies to be stopped, until the last one has ended, and sweeping,
    /// until shutdown.
    pub fn spawn_background(&self, sweep_every: Duration) {
        let state = self.clone();
        self.background.spawn(async move {
            tokio::select! {
                () = state.generations.listen_for_stops() => {}
                () = state.generations.ended() => {}
            }
        });
        self.spawn_sweeper(sweep_every);
    }

    /// Starts to look for replies whose process has died, until shutdown. Not a job, because it must also happen where the
    /// queue stands still: `docs/decisions/0022-sweeping-is-a-ticker.md`.
    pub fn spawn_sweeper(&self, every: Duration) {
        let state = self.clone();
        self.background.spawn(async move {
            let mut ticks = tokio::time::interval(every);
            loop {
                tokio::select! {
                    _ = ticks.tick() => state.sweep().await,
                    () = state.ending() => return,
                }
            }
        });
    }

    /// Starts to run jobs, until shutdown.
    pub fn spawn_worker(&self) {
        let (worker, is_ending) = (self.worker.clone(), self.is_ending.clone());
        self.background.spawn(async move { worker.run(is_ending).await });
    }

    /// Waits for the jobs that run; those still going after `grace` are run again by another worker.
    pub async fn finish_jobs(&self, grace: Duration) {
        self.worker.finish(grace).await;
    }

    /// Ends replies whose process has died.
    pub async fn sweep(&self) {
        match self.generations.sweep().await {
            Ok(0) => {}
            Ok(count) => tracing::warn!(count, "Ended {count} replies whose process had died"),
            Err(error) => tracing::warn!(%error, "Sweeping failed; it is tried again"),
        }
    }
}
