//! An account that can be deleted, but for some people's.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::LEAVING;
use crate::ApiResult;
use crate::api::ErasureApi;
use crate::types::*;

/// Somebody whose subscription would go on.
pub const SUBSCRIBED: UserId = UserId(Uuid::from_u128(11));

/// Somebody whose account is suspended.
pub const SUSPENDED: UserId = UserId(Uuid::from_u128(12));

pub struct Fake;

pub fn erase_at() -> DateTime<Utc> {
    "2026-12-14T10:00:00Z".parse().expect("a time")
}

#[async_trait::async_trait]
impl ErasureApi for Fake {
    async fn read_erasure(&self, actor: &Actor) -> ApiResult<ErasureTerms> {
        let user_id = actor.reader()?.user_id;
        let obstacle = match user_id {
            SUBSCRIBED => Some(ErasureObstacle::Subscription { plan_name: "Pro".to_owned() }),
            SUSPENDED => Some(ErasureObstacle::Suspended),
            _ => None,
        };
        Ok(ErasureTerms { is_requested: user_id == LEAVING, erase_at: erase_at(), obstacle })
    }

    async fn request_erasure(&self, _: &Actor, _: bool) -> ApiResult<()> {
        Ok(())
    }

    async fn withdraw_erasure(&self, _: &Actor) -> ApiResult<()> {
        Ok(())
    }
}
