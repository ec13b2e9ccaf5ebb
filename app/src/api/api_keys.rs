//! Keys that programs call the API with.

use leptos::prelude::*;

#[cfg(feature = "ssr")]
use super::{answer, call};
use crate::ApiResult;
#[cfg(feature = "ssr")]
use crate::types::Actor;
use crate::types::{ApiKeyId, ApiKeyList, CreatedApiKey};

#[cfg(feature = "ssr")]
#[async_trait::async_trait]
pub trait ApiKeysApi: Send + Sync {
    /// Those that work, the newest first.
    async fn list_api_keys(&self, actor: &Actor) -> ApiResult<ApiKeyList>;
    /// The only time that the key itself is told.
    /// `cap`: what its requests may be charged at most, in dollars, as the person wrote it; nothing, or blank: no cap.
    async fn create_api_key(
        &self,
        actor: &Actor,
        name: String,
        cap: Option<String>,
    ) -> ApiResult<CreatedApiKey>;
    async fn revoke_api_key(&self, actor: &Actor, id: ApiKeyId) -> ApiResult<()>;
}

/// What came of the form that makes a key, sent without JavaScript. The route it is sent to gives this to the page, which is
/// its answer: a redirect could carry the key only in an address.
#[derive(Clone)]
pub struct PostedApiKey(pub ApiResult<CreatedApiKey>);

#[server(endpoint = "api_keys/list_api_keys")]
pub async fn list_api_keys() -> ApiResult<ApiKeyList> {
    let (backend, actor) = call()?;
    answer(backend.api_keys.list_api_keys(&actor).await)
}

#[server(endpoint = "api_keys/create_api_key")]
pub async fn create_api_key(name: String, cap: Option<String>) -> ApiResult<CreatedApiKey> {
    let (backend, actor) = call()?;
    answer(backend.api_keys.create_api_key(&actor, name, cap).await)
}

#[server(endpoint = "api_keys/revoke_api_key")]
pub async fn revoke_api_key(id: ApiKeyId) -> ApiResult<()> {
    let (backend, actor) = call()?;
    answer(backend.api_keys.revoke_api_key(&actor, id).await)
}
