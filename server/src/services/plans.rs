//! What each plan includes. The values are settings, so operators and tests can vary them.

use app::types::{AccountId, Plan};

use crate::config::PlansConfig;
use crate::store::{Connection, StoreResult, accounts};

/// The plans on offer.
#[derive(Clone, Debug)]
pub struct Plans {
    free: Plan,
}

impl Plans {
    pub fn new(config: &PlansConfig) -> Self {
        Self {
            free: Plan {
                key: "free".to_owned(),
                name: "Free".to_owned(),
                requests_per_minute: config.free_requests_per_minute,
                requests_per_day: config.free_requests_per_day,
                tokens_per_minute: config.free_tokens_per_minute,
                concurrent_replies: config.free_concurrent_replies,
                monthly_credit: config.free_monthly_credit,
                monthly_cap: config.free_monthly_cap,
            },
        }
    }

    /// The plan of everybody who has chosen none.
    pub fn default_plan(&self) -> &Plan {
        &self.free
    }

    pub fn list(&self) -> Vec<Plan> {
        vec![self.free.clone()]
    }

    /// The account's plan. One no longer on offer counts as Free.
    pub async fn of_account(&self, conn: &mut Connection, id: AccountId) -> StoreResult<Plan> {
        let key = accounts::find_plan(conn, id).await?;
        Ok(self.list().into_iter().find(|plan| plan.key == key).unwrap_or_else(|| self.free.clone()))
    }
}
