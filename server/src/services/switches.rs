//! What operators have turned off for a while, as every request asks.

use std::time::Duration;

use app::types::Switch;

use super::cached::Cached;
use crate::AppResult;
use crate::store::audit::NewAuditEvent;
use crate::store::{Db, StoreResult, switches};

/// A switch acts on every process within this time.
const CACHED_FOR: Duration = Duration::from_secs(2);

/// How the switches stand.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Switches {
    pub(crate) maintenance: bool,
    pub(crate) read_only: bool,
    pub(crate) sign_up_closed: bool,
}

#[derive(Clone)]
pub(crate) struct SwitchService {
    db: Db,
    cached: Cached<Switches>,
}

impl SwitchService {
    pub(crate) fn new(db: Db) -> Self {
        Self { db, cached: Cached::new(CACHED_FOR) }
    }

    /// While the database is away, as they stood last; all off, when they were never read.
    pub(crate) async fn read(&self) -> Switches {
        self.cached.get(self.load()).await.unwrap_or_default()
    }

    pub(crate) async fn set(&self, switch: Switch, is_on: bool, by: NewAuditEvent<'_>) -> AppResult<()> {
        switches::set(&mut *self.db.get().await?, switch, is_on, by).await?;
        self.cached.expire();
        Ok(())
    }

    async fn load(&self) -> StoreResult<Switches> {
        let states = switches::list(&mut *self.db.get().await?).await?;
        let is_on = |switch| states.iter().any(|state| state.switch == switch && state.is_on);
        Ok(Switches {
            maintenance: is_on(Switch::Maintenance),
            read_only: is_on(Switch::ReadOnly),
            sign_up_closed: is_on(Switch::SignUpClosed),
        })
    }
}
