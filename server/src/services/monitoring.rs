//! How things stand, for whoever watches the process.

use std::time::Duration;

use crate::AppResult;
use crate::limits::{Limiter, Mode};
use crate::store::Db;
use crate::store::backlog::{self, Backlog};
use crate::telemetry::metrics::Levels;

/// Whoever asks comes again soon; an answer that takes longer is not waited for.
const LONGEST: Duration = Duration::from_secs(2);

#[derive(Clone)]
pub(crate) struct Monitoring {
    db: Db,
    limiter: Limiter,
}

impl Monitoring {
    pub(crate) fn new(db: Db, limiter: Limiter) -> Self {
        Self { db, limiter }
    }

    pub(crate) async fn levels(&self) -> Levels {
        let backlog = tokio::time::timeout(LONGEST, self.backlog());
        let (redis_is_up, backlog) = tokio::join!(self.limiter.is_up(), backlog);
        Levels {
            redis_is_up,
            limiter_is_local: self.limiter.mode() == Mode::Local,
            connections: self.db.connections(),
            backlog: backlog.ok().and_then(Result::ok),
        }
    }

    async fn backlog(&self) -> AppResult<Backlog> {
        Ok(backlog::read(&mut *self.db.get().await?).await?)
    }
}
