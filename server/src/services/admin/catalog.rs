//! What operators change of the catalog: prices, costs, order, and which models are offered.

use app::ApiError;
use app::types::{AuditKind, ModelPrices, Operator, Reason};
use chrono::{DateTime, Utc};

use super::providers::ProviderService;
use crate::AppResult;
use crate::store::audit::NewAuditEvent;
use crate::store::{StoreResult, catalog_changes, clock};

impl ProviderService {
    pub(super) async fn raise_route(&self, operator: &Operator, route: &str) -> AppResult<()> {
        let by = NewAuditEvent::by(operator, AuditKind::RouteMovedUp);
        let moved = catalog_changes::move_route_up(&mut *self.db.get().await?, route, by).await;
        self.changed(moved)
    }

    pub(super) async fn raise_model(&self, operator: &Operator, model: &str) -> AppResult<()> {
        let by = NewAuditEvent::by(operator, AuditKind::ModelMovedUp);
        let moved = catalog_changes::move_model_up(&mut *self.db.get().await?, model, by).await;
        self.changed(moved)
    }

    pub(super) async fn price_route(
        &self,
        operator: &Operator,
        route: &str,
        costs: ModelPrices,
        reason: &Reason,
    ) -> AppResult<()> {
        let by = because(operator, AuditKind::RouteCostsSet, reason);
        let set = catalog_changes::set_costs(&mut *self.db.get().await?, route, costs, by).await;
        self.changed(set)
    }

    pub(super) async fn turn_model(
        &self,
        operator: &Operator,
        model: &str,
        is_off: bool,
        reason: &Reason,
    ) -> AppResult<()> {
        let kind = if is_off { AuditKind::ModelTurnedOff } else { AuditKind::ModelTurnedOn };
        let by = because(operator, kind, reason);
        let turned = catalog_changes::set_model_off(&mut *self.db.get().await?, model, is_off, by).await;
        self.changed(turned)
    }

    pub(super) async fn price_model(
        &self,
        operator: &Operator,
        model: &str,
        prices: ModelPrices,
        effective_from: Option<DateTime<Utc>>,
        reason: &Reason,
    ) -> AppResult<()> {
        let mut conn = self.db.get().await?;
        let now = clock::now(&mut conn).await?;
        if effective_from.is_some_and(|from| from <= now) {
            let message = "This moment (in UTC) is over. Leave it empty to have the prices begin now.";
            return Err(ApiError::invalid(message).into());
        }
        let by = because(operator, AuditKind::PricesSet, reason);
        let added = catalog_changes::add_prices(&mut conn, model, prices, effective_from, by).await;
        self.changed(added)
    }

    pub(super) async fn unprice_model(
        &self,
        operator: &Operator,
        model: &str,
        version: u32,
    ) -> AppResult<()> {
        let by = NewAuditEvent::by(operator, AuditKind::PricesWithdrawn);
        let withdrawn =
            catalog_changes::withdraw_prices(&mut *self.db.get().await?, model, version, by).await;
        self.changed(withdrawn)
    }

    /// This server goes by what was changed at once, the others within seconds.
    fn changed(&self, change: StoreResult<()>) -> AppResult<()> {
        self.catalog.expire();
        Ok(change?)
    }
}

fn because<'a>(operator: &'a Operator, kind: AuditKind, reason: &'a Reason) -> NewAuditEvent<'a> {
    NewAuditEvent { reason: reason.as_str(), ..NewAuditEvent::by(operator, kind) }
}
