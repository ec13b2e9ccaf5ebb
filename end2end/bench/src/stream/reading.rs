//! Reading many replies at once, as they come.

use std::time::Duration;

use futures::future::try_join_all;
use reqwest::RequestBuilder;
use tokio::time::{Instant, sleep_until};

use super::load::Load;
use crate::script::{Script, StampReader};
use crate::{Result, clock};

/// A chunk on its way from the upstream to a reader, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub struct Journey {
    /// By [`clock::now`].
    pub sent_at: u64,
    pub took: u64,
    pub is_first: bool,
}

/// Reads the replies of a load to their ends and returns the journeys of all chunks. `ask` makes the request for a
/// reply by its index and script.
///
/// # Errors
/// When a reply is refused, breaks, or lacks a chunk.
pub async fn read_all(
    load: &Load,
    ask: impl Fn(u32, &Script) -> Result<RequestBuilder>,
) -> Result<Vec<Journey>> {
    let began_at = Instant::now();
    let ask = &ask;
    let streams = (0..load.streams).map(|index| async move {
        sleep_until(began_at + load.start_of(index)).await;
        let script = load.script(index);
        read(ask(index, &script)?, script).await
    });
    Ok(try_join_all(streams).await?.concat())
}

async fn read(request: RequestBuilder, script: Script) -> Result<Vec<Journey>> {
    const MOST_SILENCE: Duration = Duration::from_secs(40);
    let mut response = request.send().await?;
    if !response.status().is_success() {
        return Err(format!("a reply was refused: {} {}", response.status(), response.text().await?).into());
    }
    let expected = script.chunks as usize;
    let mut journeys = Vec::with_capacity(expected);
    let mut reader = StampReader::default();
    while let Some(bytes) = tokio::time::timeout(MOST_SILENCE, response.chunk()).await?? {
        let now = clock::now();
        reader.read(&bytes, |sent_at| {
            // At its end the product repeats the whole answer.
            if journeys.len() < expected {
                let (took, is_first) = (now.saturating_sub(sent_at), journeys.is_empty());
                journeys.push(Journey { sent_at, took, is_first });
            }
        });
    }
    let is_ordered = journeys.is_sorted_by(|one, next| one.sent_at < next.sent_at);
    if journeys.len() != expected || !is_ordered {
        return Err(format!("a reply had {} of {expected} chunks in order", journeys.len()).into());
    }
    Ok(journeys)
}
