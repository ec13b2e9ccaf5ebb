//! Two keys, one of which was never used.

use chrono::TimeDelta;
use uuid::Uuid;

use super::now;
use crate::ApiResult;
use crate::api::ApiKeysApi;
use crate::types::*;

pub struct Fake;

#[async_trait::async_trait]
impl ApiKeysApi for Fake {
    async fn list_api_keys(&self, actor: &Actor) -> ApiResult<ApiKeyList> {
        actor.reader()?;
        let key = |id, name: &str, hint: &str, last_used_at, cap| ApiKey {
            id: ApiKeyId(Uuid::from_u128(id)),
            name: name.to_owned(),
            hint: hint.to_owned(),
            created_at: now() - TimeDelta::days(3),
            last_used_at,
            revoked_at: None,
            used: Nanos::from_cents(120),
            cap,
        };
        Ok(ApiKeyList {
            keys: vec![
                key(2, "The <nightly> job", "x_9Z", Some(now()), Some(Nanos::from_cents(500))),
                key(1, "Laptop", "0aB-", None, None),
            ],
            base_url: "https://plumbline.example/v1".to_owned(),
            model: Some("small".to_owned()),
        })
    }

    async fn create_api_key(
        &self,
        actor: &Actor,
        name: String,
        _: Option<String>,
    ) -> ApiResult<CreatedApiKey> {
        actor.user()?;
        Ok(CreatedApiKey { name, secret: "plb_secret".to_owned() })
    }

    async fn revoke_api_key(&self, _: &Actor, _: ApiKeyId) -> ApiResult<()> {
        Ok(())
    }
}
