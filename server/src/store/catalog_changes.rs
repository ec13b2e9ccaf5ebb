//! What operators change of the catalog, each change with its row in the audit log.

use std::collections::HashMap;

use app::types::{ModelPrices, Nanos, PriceVersion};
use chrono::{DateTime, Utc};
use diesel::dsl::now;
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};
use serde_json::{Value, json};

use super::audit::{self, NewAuditEvent};
use super::clock;
use super::schema::{model_prices, model_routes, models};
use super::{Connection, StoreError, StoreResult};

#[derive(Queryable, Selectable)]
#[diesel(table_name = model_prices)]
struct PriceRow {
    model_key: String,
    version: i32,
    input_nanos_per_million: i64,
    cached_input_nanos_per_million: i64,
    output_nanos_per_million: i64,
    effective_from: DateTime<Utc>,
}

impl PriceRow {
    fn prices(&self) -> ModelPrices {
        ModelPrices {
            input: Nanos(self.input_nanos_per_million),
            cached_input: Nanos(self.cached_input_nanos_per_million),
            output: Nanos(self.output_nanos_per_million),
        }
    }

    /// For the audit log.
    fn told(&self) -> Value {
        let (version, from) = (self.version, self.effective_from.to_rfc3339());
        json!({ "version": version, "from": from, "prices": words(self.prices()) })
    }
}

/// Every version of every model's prices, the newest first.
pub async fn list_prices(conn: &mut Connection) -> StoreResult<HashMap<String, Vec<PriceVersion>>> {
    let at = clock::now(conn).await?;
    let rows: Vec<PriceRow> = model_prices::table
        .order((model_prices::effective_from.desc(), model_prices::version.desc()))
        .select(PriceRow::as_select())
        .load(conn)
        .await?;
    let mut prices: HashMap<String, Vec<PriceVersion>> = HashMap::new();
    for row in rows {
        let version = PriceVersion {
            version: row.version.unsigned_abs(),
            prices: row.prices(),
            effective_from: row.effective_from,
            is_to_come: row.effective_from > at,
        };
        prices.entry(row.model_key).or_default().push(version);
    }
    Ok(prices)
}

/// A model that was on is turned off, or the other way round; nothing happens to one that stands so already.
pub async fn set_model_off(
    conn: &mut Connection,
    key: &str,
    is_off: bool,
    event: NewAuditEvent<'_>,
) -> StoreResult<()> {
    conn.transaction::<_, StoreError, _>(async |conn| {
        wait_for_apply(conn).await?;
        let model = models::table.find(key);
        let was: bool = model.select(models::is_off).for_update().first(conn).await?;
        if was == is_off {
            return Ok(());
        }
        diesel::update(model).set(models::is_off.eq(is_off)).execute(conn).await?;
        write(conn, event, key, Some(json!({ "off": was })), Some(json!({ "off": is_off }))).await
    })
    .await
}

/// A new version of a model's prices, from a moment on. None: from now on.
pub async fn add_prices(
    conn: &mut Connection,
    model_key: &str,
    prices: ModelPrices,
    effective_from: Option<DateTime<Utc>>,
    event: NewAuditEvent<'_>,
) -> StoreResult<()> {
    conn.transaction::<_, StoreError, _>(async |conn| {
        wait_for_apply(conn).await?;
        // One at a time.
        let model = models::table.find(model_key);
        let last: i32 = model.select(models::last_price_version).for_update().first(conn).await?;
        let before: Option<PriceRow> = model_prices::table
            .filter(model_prices::model_key.eq(model_key).and(model_prices::effective_from.le(now)))
            .order((model_prices::effective_from.desc(), model_prices::version.desc()))
            .select(PriceRow::as_select())
            .first(conn)
            .await
            .optional()?;
        let from = match effective_from {
            Some(at) => at,
            None => clock::now(conn).await?,
        };
        let version = last + 1;
        diesel::insert_into(model_prices::table)
            .values((
                model_prices::model_key.eq(model_key),
                model_prices::version.eq(version),
                model_prices::input_nanos_per_million.eq(prices.input.0),
                model_prices::cached_input_nanos_per_million.eq(prices.cached_input.0),
                model_prices::output_nanos_per_million.eq(prices.output.0),
                model_prices::effective_from.eq(from),
            ))
            .execute(conn)
            .await?;
        let after = json!({ "version": version, "from": from.to_rfc3339(), "prices": words(prices) });
        write(conn, event, model_key, before.as_ref().map(PriceRow::told), Some(after)).await
    })
    .await
}

/// Takes back prices that are not in force yet, so that nobody was charged by them. Not found: there are none such.
pub async fn withdraw_prices(
    conn: &mut Connection,
    model_key: &str,
    version: u32,
    event: NewAuditEvent<'_>,
) -> StoreResult<()> {
    conn.transaction::<_, StoreError, _>(async |conn| {
        let version = i32::try_from(version).unwrap_or(i32::MAX);
        let prices =
            model_prices::table.find((model_key, version)).filter(model_prices::effective_from.gt(now));
        let withdrawn: PriceRow =
            diesel::delete(prices).returning(PriceRow::as_returning()).get_result(conn).await?;
        write(conn, event, model_key, Some(withdrawn.told()), None).await
    })
    .await
}

/// What a route costs us from now on. What was recorded stays as it was.
pub async fn set_costs(
    conn: &mut Connection,
    route_key: &str,
    costs: ModelPrices,
    event: NewAuditEvent<'_>,
) -> StoreResult<()> {
    conn.transaction::<_, StoreError, _>(async |conn| {
        let route = model_routes::table.find(route_key);
        let columns = (
            model_routes::input_nanos_per_million,
            model_routes::cached_input_nanos_per_million,
            model_routes::output_nanos_per_million,
        );
        let (input, cached_input, output) = route.select(columns).for_update().first(conn).await?;
        let was =
            ModelPrices { input: Nanos(input), cached_input: Nanos(cached_input), output: Nanos(output) };
        let ModelPrices { input, cached_input, output } = costs;
        diesel::update(route)
            .set((columns.0.eq(input.0), columns.1.eq(cached_input.0), columns.2.eq(output.0)))
            .execute(conn)
            .await?;
        let (before, after) = (json!({ "costs": words(was) }), json!({ "costs": words(costs) }));
        write(conn, event, route_key, Some(before), Some(after)).await
    })
    .await
}

/// Has a route asked before the one that was asked before it. Nothing happens to the first.
pub async fn move_route_up(
    conn: &mut Connection,
    route_key: &str,
    event: NewAuditEvent<'_>,
) -> StoreResult<()> {
    conn.transaction::<_, StoreError, _>(async |conn| {
        let model: String =
            model_routes::table.find(route_key).select(model_routes::model_key).first(conn).await?;
        let _: String = models::table.find(&model).select(models::key).for_update().first(conn).await?;
        let keys: Vec<String> = model_routes::table
            .filter(model_routes::model_key.eq(&model).and(model_routes::is_enabled))
            .order((model_routes::position, model_routes::key))
            .select(model_routes::key)
            .load(conn)
            .await?;
        let before = json!({ "order": keys.join(", ") });
        let Some(keys) = moved_up(keys, route_key) else { return Ok(()) };
        for (position, key) in (0..).zip(&keys) {
            diesel::update(model_routes::table.find(key))
                .set(model_routes::position.eq(position))
                .execute(conn)
                .await?;
        }
        write(conn, event, route_key, Some(before), Some(json!({ "order": keys.join(", ") }))).await
    })
    .await
}

/// Shows a model before the one that was shown before it. Nothing happens to the first.
pub async fn move_model_up(
    conn: &mut Connection,
    model_key: &str,
    event: NewAuditEvent<'_>,
) -> StoreResult<()> {
    conn.transaction::<_, StoreError, _>(async |conn| {
        wait_for_apply(conn).await?;
        let keys: Vec<String> = models::table
            .filter(models::is_enabled)
            .order((models::position, models::key))
            .select(models::key)
            .for_update()
            .load(conn)
            .await?;
        let before = json!({ "order": keys.join(", ") });
        let Some(keys) = moved_up(keys, model_key) else { return Ok(()) };
        for (position, key) in (0..).zip(&keys) {
            diesel::update(models::table.find(key)).set(models::position.eq(position)).execute(conn).await?;
        }
        write(conn, event, model_key, Some(before), Some(json!({ "order": keys.join(", ") }))).await
    })
    .await
}

/// Before a model is locked that will be changed: [`catalog::apply`](super::catalog::apply) would wait for the model, and this
/// for it.
async fn wait_for_apply(conn: &mut Connection) -> StoreResult<()> {
    diesel::sql_query("lock table models in row exclusive mode").execute(conn).await?;
    Ok(())
}

/// None: it is the first already, or not there.
fn moved_up(mut keys: Vec<String>, key: &str) -> Option<Vec<String>> {
    let place = keys.iter().position(|known| known == key).filter(|place| *place > 0)?;
    keys.swap(place - 1, place);
    Some(keys)
}

fn words(ModelPrices { input, cached_input, output }: ModelPrices) -> String {
    format!("{} / {} / {}", input.to_decimal(), cached_input.to_decimal(), output.to_decimal())
}

async fn write(
    conn: &mut Connection,
    event: NewAuditEvent<'_>,
    detail: &str,
    before: Option<Value>,
    after: Option<Value>,
) -> StoreResult<()> {
    audit::insert(conn, NewAuditEvent { detail, before, after, ..event }).await?;
    Ok(())
}
