//! Waiting for something that is to happen, by looking.

use std::time::{Duration, Instant};

/// Between two looks.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(10);

/// What has not happened by then never will.
const PATIENCE: Duration = Duration::from_secs(180);

/// Looks until it is so.
pub async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < PATIENCE, "it did not become so within three minutes");
        tokio::time::sleep(LOOK_AGAIN_AFTER).await;
    }
}
