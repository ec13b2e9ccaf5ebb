//! Keys that programs call the API with.

use app::api::{ApiKeysApi, parse_limit};
use app::types::{
    AccountId, Actor, ApiKey, ApiKeyId, ApiKeyList, ApiKeyName, AuditKind, Caller, CreatedApiKey, Nanos,
    SignedIn,
};
use app::{ApiError, ApiResult};
use async_trait::async_trait;
use url::Url;

use super::catalog::CatalogService;
use super::plans::Plans;
use crate::AppResult;
use crate::error::reported;
use crate::secret::{self, KeyToken};
use crate::store::api_keys::NewApiKey;
use crate::store::audit::NewAuditEvent;
use crate::store::{Db, api_keys};

/// Of those that work, for each account.
pub(super) const MOST_KEYS: i64 = 20;

#[derive(Clone)]
pub(crate) struct ApiKeyService {
    db: Db,
    plans: Plans,
    catalog: CatalogService,
    public_url: Url,
}

impl ApiKeyService {
    pub(crate) fn new(db: Db, plans: Plans, catalog: CatalogService, public_url: Url) -> Self {
        Self { db, plans, catalog, public_url }
    }

    /// Whose key this is; None when it is no good (any more). One with a typo is refused without asking the database.
    pub(crate) async fn authenticate(&self, token: &str) -> AppResult<Option<Caller>> {
        if !KeyToken::is_whole(token) {
            return Ok(None);
        }
        Ok(api_keys::authenticate(&mut *self.db.get().await?, &secret::hash(token)).await?)
    }

    async fn list(&self, account_id: AccountId) -> AppResult<ApiKeyList> {
        let mut conn = self.db.get().await?;
        let keys = api_keys::list(&mut conn, account_id).await?;
        let plan = self.plans.of_account(&conn, account_id).await?.plan;
        // The models may have to be read, which takes a connection of its own.
        drop(conn);
        let model = self.catalog.choose(None, &plan).await?.ok().map(|model| model.key.clone());
        let base_url = format!("{}/v1", self.public_url.as_str().trim_end_matches('/'));
        Ok(ApiKeyList { keys, base_url, model })
    }

    async fn create(
        &self,
        actor: &Actor,
        user: SignedIn,
        name: ApiKeyName,
        cap: Option<Nanos>,
    ) -> AppResult<CreatedApiKey> {
        let token = KeyToken::random();
        let key = NewApiKey {
            account_id: user.account_id,
            user_id: user.user_id,
            name: name.as_str(),
            hash: &secret::hash(token.as_str()),
            hint: token.hint(),
            cap,
        };
        // The name is the person's own words, which operators do not read.
        let detail = ApiKey::masked(token.hint());
        let event = NewAuditEvent {
            detail: &detail,
            ..NewAuditEvent::by_person(actor, user, AuditKind::ApiKeyCreated)
        };
        if !api_keys::insert(&mut *self.db.get().await?, key, MOST_KEYS, event).await? {
            let full =
                format!("You have {MOST_KEYS} API keys, which is the most. Revoke one to make another.");
            return Err(ApiError::invalid(full).into());
        }
        Ok(CreatedApiKey { secret: token.as_str().to_owned(), name: name.into_string() })
    }

    async fn revoke(&self, actor: &Actor, user: SignedIn, id: ApiKeyId) -> AppResult<()> {
        let event = NewAuditEvent::by_person(actor, user, AuditKind::ApiKeyRevoked);
        Ok(api_keys::revoke(&mut *self.db.get().await?, user.account_id, id, event).await?)
    }
}

#[async_trait]
impl ApiKeysApi for ApiKeyService {
    async fn list_api_keys(&self, actor: &Actor) -> ApiResult<ApiKeyList> {
        let user = actor.reader()?;
        reported(actor, self.list(user.account_id)).await
    }

    async fn create_api_key(
        &self,
        actor: &Actor,
        name: String,
        cap: Option<String>,
    ) -> ApiResult<CreatedApiKey> {
        let user = actor.user()?;
        let name = ApiKeyName::parse(&name).map_err(ApiError::invalid)?;
        let cap = cap.filter(|amount| !amount.trim().is_empty());
        let cap = cap.map(|amount| parse_limit(&amount)).transpose()?;
        reported(actor, self.create(actor, user, name, cap)).await
    }

    async fn revoke_api_key(&self, actor: &Actor, id: ApiKeyId) -> ApiResult<()> {
        let user = actor.user()?;
        reported(actor, self.revoke(actor, user, id)).await
    }
}
