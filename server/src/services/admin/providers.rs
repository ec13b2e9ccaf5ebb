//! The ways to the models.

use app::api::admin::ProvidersApi;
use app::types::{AuditKind, BreakerState, ModelPrices, Operator, ProviderReport, Reason, RouteReport};
use app::{ApiError, ApiResult};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use url::Url;

use crate::AppResult;
use crate::error::reported;
use crate::limits::Breakers;
use crate::services::catalog::CatalogService;
use crate::store::audit::{self, NewAuditEvent};
use crate::store::catalog::Route;
use crate::store::route_reports::{self, RouteDay};
use crate::store::{Db, catalog_changes};

#[derive(Clone)]
pub struct ProviderService {
    pub(super) db: Db,
    pub(super) catalog: CatalogService,
    breakers: Breakers,
}

impl ProviderService {
    pub fn new(db: Db, catalog: CatalogService, breakers: Breakers) -> Self {
        Self { db, catalog, breakers }
    }

    async fn reports(&self) -> AppResult<Vec<ProviderReport>> {
        let mut conn = self.db.get().await?;
        let mut days = route_reports::read_day(&mut conn).await?;
        let mut prices = catalog_changes::list_prices(&mut conn).await?;
        drop(conn);
        let mut reports = Vec::new();
        for model in self.catalog.models().await?.iter() {
            let mut routes = Vec::new();
            for route in &model.routes {
                routes.push(self.report(route, days.remove(&route.key).unwrap_or_default()).await);
            }
            reports.push(ProviderReport {
                key: model.key.clone(),
                model: model.name.clone(),
                is_off: model.is_off,
                prices: prices.remove(&model.key).unwrap_or_default(),
                price_version: model.price_version.unsigned_abs(),
                routes,
            });
        }
        Ok(reports)
    }

    async fn report(&self, route: &Route, day: RouteDay) -> RouteReport {
        let RouteDay { attempts, outcomes, first_token_ms_p50, first_token_ms_p95, cost } = day;
        let url = route.base_url.parse::<Url>().ok();
        RouteReport {
            key: route.key.clone(),
            host: url.and_then(|url| url.host_str().map(ToOwned::to_owned)).unwrap_or_default(),
            breaker: self.breakers.state(&route.key).await,
            attempts,
            outcomes,
            first_token_ms_p50,
            first_token_ms_p95,
            cost,
            costs: route.costs,
        }
    }

    /// Does something to the breaker of a route that there is, with a row in the audit log.
    async fn act(
        &self,
        operator: &Operator,
        kind: AuditKind,
        route: &str,
        act: impl Future<Output = bool> + Send,
    ) -> AppResult<()> {
        let models = self.catalog.models().await?;
        if !models.iter().flat_map(|model| &model.routes).any(|known| known.key == route) {
            return Err(ApiError::NotFound.into());
        }
        let event = NewAuditEvent { detail: route, ..NewAuditEvent::by(operator, kind) };
        let was_held = self.breakers.state(route).await == Some(BreakerState::Held);
        let undo = async {
            match was_held {
                true => self.breakers.hold_open(route).await,
                false => self.breakers.close(route).await,
            }
        };
        match audit::insert_with(&mut *self.db.get().await?, event, act, undo).await? {
            true => Ok(()),
            false => {
                let message = "Redis does not answer, so nothing was changed. Try again when it does.";
                Err(ApiError::invalid(message).into())
            }
        }
    }
}

#[async_trait]
impl ProvidersApi for ProviderService {
    async fn read(&self, operator: &Operator) -> ApiResult<Vec<ProviderReport>> {
        reported(operator.actor(), self.reports()).await
    }

    async fn close(&self, operator: &Operator, route: &str) -> ApiResult<()> {
        let act = self.breakers.hold_open(route);
        reported(operator.actor(), self.act(operator, AuditKind::RouteClosed, route, act)).await
    }

    async fn reopen(&self, operator: &Operator, route: &str) -> ApiResult<()> {
        let act = self.breakers.close(route);
        reported(operator.actor(), self.act(operator, AuditKind::RouteReopened, route, act)).await
    }

    async fn move_route_up(&self, operator: &Operator, route: &str) -> ApiResult<()> {
        reported(operator.actor(), self.raise_route(operator, route)).await
    }

    async fn set_costs(
        &self,
        operator: &Operator,
        route: &str,
        costs: ModelPrices,
        reason: Reason,
    ) -> ApiResult<()> {
        reported(operator.actor(), self.price_route(operator, route, costs, &reason)).await
    }

    async fn move_model_up(&self, operator: &Operator, model: &str) -> ApiResult<()> {
        reported(operator.actor(), self.raise_model(operator, model)).await
    }

    async fn set_model_off(
        &self,
        operator: &Operator,
        model: &str,
        is_off: bool,
        reason: Reason,
    ) -> ApiResult<()> {
        reported(operator.actor(), self.turn_model(operator, model, is_off, &reason)).await
    }

    async fn add_prices(
        &self,
        operator: &Operator,
        model: &str,
        prices: ModelPrices,
        effective_from: Option<DateTime<Utc>>,
        reason: Reason,
    ) -> ApiResult<()> {
        reported(operator.actor(), self.price_model(operator, model, prices, effective_from, &reason)).await
    }

    async fn withdraw_prices(&self, operator: &Operator, model: &str, version: u32) -> ApiResult<()> {
        reported(operator.actor(), self.unprice_model(operator, model, version)).await
    }
}
