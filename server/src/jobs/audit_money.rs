//! The nightly audit of the money.

use async_trait::async_trait;

use super::{Handler, JobError, Schedule, Slots};
use crate::config::AuditConfig;
use crate::services::money_audit::MoneyAudit;
use crate::store::jobs::Lease;

const KIND: &str = "audit_money";

pub struct AuditMoney {
    pub audit: MoneyAudit,
    pub config: AuditConfig,
}

#[async_trait]
impl Handler for AuditMoney {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn schedule(&self) -> Option<Schedule> {
        Some(Schedule::alone(KIND, Slots::DailyAt(self.config.hour_utc)))
    }

    async fn run(&self, _: &Lease) -> Result<(), JobError> {
        self.audit.log().await?;
        Ok(())
    }
}
