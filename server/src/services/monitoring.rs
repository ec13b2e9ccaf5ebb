//! How things stand, for whoever watches the process.

use std::time::Duration;

use app::types::{BreakerState, Switch};
use futures::future::join_all;

use super::catalog::CatalogService;
use super::ceiling::DailyCeiling;
use super::switches::SwitchService;
use crate::AppResult;
use crate::limits::{Breakers, Limiter, Mode};
use crate::store::Db;
use crate::store::backlog::{self, Backlog};
use crate::store::money_audits::{self, AuditResult};
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
    pub(crate) ceiling: DailyCeiling,
}

impl Monitoring {
    pub(crate) async fn levels(&self) -> Levels {
        let stored = tokio::time::timeout(LONGEST, self.stored());
        let breakers = tokio::time::timeout(LONGEST, self.breakers());
        let switches = tokio::time::timeout(LONGEST, self.switches.read());
        let (redis_is_up, stored, breakers, switches, ceiling_used) =
            tokio::join!(self.limiter.is_up(), stored, breakers, switches, self.ceiling_used());
        let switches = switches.unwrap_or_default();
        let (backlog, audit) = stored.ok().and_then(Result::ok).unzip();
        Levels {
            redis_is_up,
            limiter_is_local: self.limiter.mode() == Mode::Local,
            connections: self.db.connections(),
            backlog,
            audit: audit.flatten(),
            ceiling_used,
            breakers: breakers.unwrap_or_default(),
            switches: vec![
                (Switch::Maintenance.key(), switches.maintenance),
                (Switch::ReadOnly.key(), switches.read_only),
                (Switch::SignUpClosed.key(), switches.sign_up_closed),
            ],
        }
    }

    async fn stored(&self) -> AppResult<(Backlog, Option<AuditResult>)> {
        let mut conn = self.db.get().await?;
        Ok((backlog::read(&mut conn).await?, money_audits::read(&mut conn).await?))
    }

    /// None: there is no ceiling. No number: it cannot be known now.
    async fn ceiling_used(&self) -> Option<f64> {
        match tokio::time::timeout(LONGEST, self.ceiling.used_ratio()).await {
            Ok(Ok(used)) => used,
            Ok(Err(_)) | Err(_) => self.ceiling.is_set().then_some(f64::NAN),
        }
    }

    async fn breakers(&self) -> Vec<(String, Option<BreakerState>)> {
        let models = self.catalog.models().await.unwrap_or_default();
        let routes = models.iter().flat_map(|model| &model.routes);
        join_all(routes.map(async |route| (route.key.clone(), self.breakers.state(&route.key).await))).await
    }
}
