//! The models people can choose from, and the ways to them.

use std::sync::Arc;
use std::time::Duration;

use app::types::{Model, Plan};

use super::cached::Cached;
use crate::AppResult;
use crate::config::{ApiKeys, CatalogConfig};
use crate::providers::llm::Upstream;
use crate::store::catalog::{self, CatalogModel, Route};
use crate::store::{Db, StoreResult};

/// A change takes effect on every process within this time.
const CACHED_FOR: Duration = Duration::from_secs(5);

type Models = Arc<Vec<Arc<CatalogModel>>>;

/// Why somebody cannot have a model. `Display` is the sentence they read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoModel {
    #[error("Your plan includes no model at the moment.")]
    NoneIncluded,
    #[error("Your plan does not include this model. Choose another one.")]
    NotIncluded,
    #[error("This model is turned off at the moment. Choose another one.")]
    TurnedOff,
    #[error("This model is no longer offered. Choose another one.")]
    NotOffered,
}

impl NoModel {
    /// As operators count it.
    pub fn label(self) -> &'static str {
        match self {
            Self::NoneIncluded | Self::NotIncluded => "model_not_included",
            Self::TurnedOff => "model_turned_off",
            Self::NotOffered => "model_not_offered",
        }
    }
}

#[derive(Clone)]
pub struct CatalogService {
    db: Db,
    seed: Arc<CatalogConfig>,
    api_keys: Arc<ApiKeys>,
    cached: Cached<Models>,
}

impl CatalogService {
    pub fn new(db: Db, seed: CatalogConfig, api_keys: ApiKeys) -> Self {
        Self { db, seed: Arc::new(seed), api_keys: Arc::new(api_keys), cached: Cached::new(CACHED_FOR) }
    }

    /// The model asked for, or the plan's first, unless it cannot be had.
    ///
    /// # Errors
    /// When the models cannot be read.
    pub async fn choose(
        &self,
        key: Option<&str>,
        plan: &Plan,
    ) -> AppResult<Result<Arc<CatalogModel>, NoModel>> {
        let models = self.models().await?;
        let Some(key) = key else {
            let first = models.iter().find(|model| is_included(model, plan));
            return Ok(first.cloned().ok_or(NoModel::NoneIncluded));
        };
        Ok(match models.iter().find(|model| model.key == key) {
            Some(model) if is_included(model, plan) => Ok(model.clone()),
            Some(model) if model.is_off => Err(NoModel::TurnedOff),
            Some(_) => Err(NoModel::NotIncluded),
            None => Err(NoModel::NotOffered),
        })
    }

    /// Those that can be chosen with this plan.
    pub(crate) async fn included(&self, plan: &Plan) -> AppResult<Vec<Arc<CatalogModel>>> {
        let models = self.models().await?;
        Ok(models.iter().filter(|model| is_included(model, plan)).cloned().collect())
    }

    /// For the picker: those the plan includes first, and none that is turned off.
    pub async fn list(&self, plan: &Plan) -> AppResult<Vec<Model>> {
        let models = self.models().await?;
        let mut list: Vec<_> =
            models.iter().filter(|model| !model.is_off).map(|model| to_model(model, plan)).collect();
        list.sort_by_key(|model| !model.is_included);
        Ok(list)
    }

    /// Whom to ask on this route. None: its key or address is missing, which is logged.
    pub fn upstream(&self, route: &Route) -> Option<Upstream> {
        let api_key = self.api_keys.get(&route.api_key_variable).cloned();
        let base_url = route.base_url.parse().ok();
        if api_key.is_none() || base_url.is_none() {
            tracing::error!(
                route = route.key,
                variable = route.api_key_variable,
                "Route has no key or no valid address"
            );
        }
        Some(Upstream {
            format: route.provider,
            base_url: base_url?,
            model: route.upstream_model.clone(),
            api_key: api_key?,
            output_cap_field: route.output_cap_field,
            usage_in_stream: route.usage_in_stream,
            takes_sampling: route.takes_sampling,
            first_token: route.first_token,
        })
    }

    /// All that are enabled, turned off or not, as they are now. While the database is away, what was read last goes on.
    pub(crate) async fn models(&self) -> AppResult<Models> {
        Ok(self.cached.get(self.load()).await?)
    }

    /// Has the models read anew by the next who asks: they were changed here.
    pub(crate) fn expire(&self) {
        self.cached.expire();
    }

    async fn load(&self) -> StoreResult<Models> {
        let mut conn = self.db.get().await?;
        let mut models = catalog::load(&mut conn).await?;
        if models.is_empty() {
            catalog::seed(&mut conn, &self.seed).await?;
            models = catalog::load(&mut conn).await?;
        }
        Ok(Arc::new(models.into_iter().map(Arc::new).collect()))
    }
}

fn is_included(model: &CatalogModel, plan: &Plan) -> bool {
    model.plans.contains(&plan.key) && !model.is_off
}

fn to_model(model: &CatalogModel, plan: &Plan) -> Model {
    Model {
        key: model.key.clone(),
        name: model.name.clone(),
        description: model.description.clone(),
        prices: model.prices,
        is_included: model.plans.contains(&plan.key),
    }
}
