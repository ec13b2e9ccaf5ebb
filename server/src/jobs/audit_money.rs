//! The nightly audit of the money.

use async_trait::async_trait;

use super::{Handler, JobError, Schedule, Slots};
use crate::config::AuditConfig;
use crate::services::money_audit::MoneyAudit;
use crate::store::jobs::Lease;

const KIND: &str = "audit_money";

pub struct AuditMoney {
    pub audit: MoneyAudit,
}

impl AuditMoney {
    pub fn schedule(config: AuditConfig) -> Schedule {
        Schedule::alone(KIND, Slots::DailyAt(config.hour_utc))
    }
}

#[async_trait]
impl Handler for AuditMoney {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn run(&self, _: &Lease) -> Result<(), JobError> {
        self.audit.log().await?;
        Ok(())
    }
}
