//! How things stand, for whoever watches the process.

use std::time::Duration;

use app::types::{BreakerState, Switch};

use super::catalog::CatalogService;
use super::switches::SwitchService;
use crate::AppResult;
use crate::limits::{Breakers, Limiter, Mode};
use crate::store::Db;
use crate::store::backlog::{self, Backlog};
use crate::telemetry::metrics::Levels;

/// Whoever asks comes again soon; an answer that takes longer is not waited for.
const LONGEST: Duration = Duration::from_secs(2);

#[derive(Clone)]
pub(crate) struct Monitoring {
    pub(crate) db: Db,
    pub(crate) limiter: Limiter,
    pub(crate) breakers: Breakers,
    pub(crate) catalog: CatalogService,
    pub(crate) switches: SwitchService,
}

impl Monitoring {
    pub(crate) async fn levels(&self) -> Levels {
        let backlog = tokio::time::timeout(LONGEST, self.backlog());
        let breakers = tokio::time::timeout(LONGEST, self.open_breakers());
        let switches = tokio::time::timeout(LONGEST, self.switches.read());
        let (redis_is_up, backlog, breakers, switches) =
            tokio::join!(self.limiter.is_up(), backlog, breakers, switches);
        let switches = switches.unwrap_or_default();
        Levels {
            redis_is_up,
            limiter_is_local: self.limiter.mode() == Mode::Local,
            connections: self.db.connections(),
            backlog: backlog.ok().and_then(Result::ok),
            breakers: breakers.unwrap_or_default(),
            switches: vec![
                (Switch::Maintenance.key(), switches.maintenance),
                (Switch::ReadOnly.key(), switches.read_only),
                (Switch::SignUpClosed.key(), switches.sign_up_closed),
            ],
        }
    }

    async fn backlog(&self) -> AppResult<Backlog> {
        Ok(backlog::read(&mut *self.db.get().await?).await?)
    }

    async fn open_breakers(&self) -> Vec<(String, bool)> {
        let models = self.catalog.models().await.unwrap_or_default();
        let mut breakers = Vec::new();
        for route in models.iter().flat_map(|model| &model.routes) {
            if let Some(state) = self.breakers.state(&route.key).await {
                breakers.push((route.key.clone(), state != BreakerState::Closed));
            }
        }
        breakers
    }
}
