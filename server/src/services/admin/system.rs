//! The product as a whole: its switches, its settings, and what it runs on.

use std::sync::Arc;
use std::time::Instant;

use app::ApiResult;
use app::api::admin::SystemApi;
use app::types::{AuditKind, Fact, Operator, Reason, Setting, Switch, SystemPart, SystemReport};
use async_trait::async_trait;

use crate::AppResult;
use crate::error::reported;
use crate::limits::{Limiter, Mode};
use crate::services::switches::SwitchService;
use crate::store::audit::NewAuditEvent;
use crate::store::{Db, money_audits, switches, system};

#[derive(Clone)]
pub(crate) struct SystemService {
    db: Db,
    limiter: Limiter,
    switches: SwitchService,
    settings: Arc<[Setting]>,
    started_at: Instant,
}

impl SystemService {
    pub(crate) fn new(db: Db, limiter: Limiter, switches: SwitchService, settings: Vec<Setting>) -> Self {
        Self { db, limiter, switches, settings: settings.into(), started_at: Instant::now() }
    }

    async fn report(&self) -> AppResult<SystemReport> {
        let switches = switches::list(&mut *self.db.get().await?).await?;
        let parts = vec![self.process(), self.database().await?, self.redis().await, self.money().await?];
        Ok(SystemReport { switches, parts, settings: self.settings.to_vec() })
    }

    fn process(&self) -> SystemPart {
        let seconds = self.started_at.elapsed().as_secs();
        let up = format!("{} d {} h {} min", seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
        let facts = vec![fact("Version", env!("CARGO_PKG_VERSION")), fact("Up for", up)];
        SystemPart { name: "This server".to_owned(), is_well: true, facts }
    }

    async fn database(&self) -> AppResult<SystemPart> {
        let database = system::read(&mut *self.db.get().await?).await?;
        let (missing, pool) = (database.missing_migrations()?, self.db.connections());
        let mut facts = vec![
            fact("Version", database.version),
            fact("Size", megabytes(database.size_bytes)),
            fact("Connections", format!("{} of {}", database.connections, database.max_connections)),
            fact("Of this server", format!("{} in use, {} idle", pool.in_use, pool.idle)),
            fact("Migrations", database.migrations.len()),
            fact("Newest migration", database.migrations.last().cloned().unwrap_or_default()),
        ];
        if !missing.is_empty() {
            facts.push(fact("Missing migrations", missing.join(", ")));
        }
        Ok(SystemPart { name: "PostgreSQL".to_owned(), is_well: missing.is_empty(), facts })
    }

    async fn redis(&self) -> SystemPart {
        let redis = self.limiter.facts().await;
        let is_well = redis.is_some();
        let mut facts = vec![fact(
            "Requests are limited",
            match self.limiter.mode() {
                Mode::Shared => "across all servers",
                Mode::Local => "by each server alone, tightly",
            },
        )];
        facts.extend(match redis {
            Some(redis) => vec![
                fact("Version", redis.version),
                fact("Memory", megabytes(redis.used_memory_bytes)),
                fact("Clients", redis.connected_clients),
            ],
            None => vec![fact("State", "It does not answer")],
        });
        SystemPart { name: "Redis".to_owned(), is_well, facts }
    }

    /// As the last audit found it.
    async fn money(&self) -> AppResult<SystemPart> {
        let audit = money_audits::read(&mut *self.db.get().await?).await?;
        let broken: Vec<_> =
            audit.iter().flat_map(|audit| &audit.violations).filter(|(_, count)| *count > 0).collect();
        let mut facts = vec![match &audit {
            Some(audit) => fact("Last audit", format!("{:.1} hours ago", audit.age_seconds / 3600.0)),
            None => fact("Last audit", "There was none yet"),
        }];
        let holding = audit.as_ref().map_or(0, |audit| audit.violations.len() - broken.len());
        facts.push(fact("Invariants that hold", holding));
        facts.extend(broken.iter().map(|(name, count)| fact(name, format!("broken in {count} rows"))));
        Ok(SystemPart { name: "Money".to_owned(), is_well: broken.is_empty(), facts })
    }
}

fn fact(name: &str, value: impl ToString) -> Fact {
    Fact { name: name.to_owned(), value: value.to_string() }
}

fn megabytes(bytes: i64) -> String {
    format!("{} MB", bytes / 1_000_000)
}

#[async_trait]
impl SystemApi for SystemService {
    async fn read(&self, operator: &Operator) -> ApiResult<SystemReport> {
        reported(operator.actor(), self.report()).await
    }

    async fn set_switch(
        &self,
        operator: &Operator,
        switch: Switch,
        is_on: bool,
        reason: Reason,
    ) -> ApiResult<()> {
        let kind = if is_on { AuditKind::SwitchTurnedOn } else { AuditKind::SwitchTurnedOff };
        let by = NewAuditEvent { reason: reason.as_str(), ..NewAuditEvent::by(operator, kind) };
        reported(operator.actor(), self.switches.set(switch, is_on, by)).await
    }
}
