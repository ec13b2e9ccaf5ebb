//! The nightly audit of the money.

use async_trait::async_trait;
use serde_json::Value;

use super::{Handler, JobError, Schedule, Slots};
use crate::config::AuditConfig;
use crate::services::money_audit::MoneyAudit;
use crate::store::jobs::{Lease, NewJob};

const KIND: &str = "audit_money";

pub struct AuditMoney {
    pub audit: MoneyAudit,
}

impl AuditMoney {
    pub fn schedule(config: AuditConfig) -> Schedule {
        let job = NewJob {
            kind: KIND,
            payload: Value::Null,
            run_at: None,
            unique_key: Some(KIND.to_owned()),
            serial_key: None,
            max_attempts: 5,
        };
        Schedule { name: KIND, slots: Slots::DailyAt(config.hour_utc), job }
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
