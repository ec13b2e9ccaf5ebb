//! The model catalog.

use std::time::Duration;

use app::types::{ModelPrices, Nanos};
use diesel::dsl::now;
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};

use super::schema::{model_prices, model_routes, models, plan_models};
use super::{Connection, StoreResult};
use crate::config::{CatalogConfig, ModelConfig, OutputCapField, RouteConfig, WireFormat};

/// A model as it is now.
#[derive(Clone, Debug)]
pub struct CatalogModel {
    pub key: String,
    pub name: String,
    pub description: String,
    pub context_tokens: u32,
    pub max_output_tokens: u32,
    pub min_output_tokens: u32,
    pub price_version: i32,
    pub prices: ModelPrices,
    /// Turned off by an operator for a while.
    pub is_off: bool,
    pub plans: Vec<String>,
    pub routes: Vec<Route>,
}

/// A way to a model, as it is now.
#[derive(Clone, Debug)]
pub struct Route {
    pub key: String,
    pub provider: WireFormat,
    pub base_url: String,
    pub upstream_model: String,
    pub api_key_variable: String,
    pub costs: ModelPrices,
    pub output_cap_field: OutputCapField,
    /// Whether a stream is asked to end with what it used.
    pub usage_in_stream: bool,
    /// Whether its model may be told how to choose its words.
    pub takes_sampling: bool,
    /// How long its model may think before its first token, if longer or shorter than others.
    pub first_token: Option<Duration>,
}

impl Route {
    /// With whom, and by whose key: what one refuses for lack of credit, another may answer.
    pub fn account(&self) -> (&str, &str) {
        (&self.base_url, &self.api_key_variable)
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = models)]
struct ModelRow {
    key: String,
    name: String,
    description: String,
    context_tokens: i32,
    max_output_tokens: i32,
    min_output_tokens: i32,
    is_off: bool,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = model_prices)]
pub(super) struct PriceRow {
    model_key: String,
    version: i32,
    input_nanos_per_million: i64,
    cached_input_nanos_per_million: i64,
    output_nanos_per_million: i64,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = model_routes)]
struct RouteRow {
    key: String,
    model_key: String,
    provider: String,
    base_url: String,
    upstream_model: String,
    api_key_variable: String,
    input_nanos_per_million: i64,
    cached_input_nanos_per_million: i64,
    output_nanos_per_million: i64,
    output_cap_field: String,
    first_token_seconds: Option<i32>,
    usage_in_stream: bool,
    takes_sampling: bool,
}

impl From<&PriceRow> for ModelPrices {
    fn from(row: &PriceRow) -> Self {
        Self {
            input: Nanos(row.input_nanos_per_million),
            cached_input: Nanos(row.cached_input_nanos_per_million),
            output: Nanos(row.output_nanos_per_million),
        }
    }
}

impl From<&RouteRow> for Route {
    fn from(row: &RouteRow) -> Self {
        Self {
            key: row.key.clone(),
            provider: if row.provider == "anthropic" { WireFormat::Anthropic } else { WireFormat::Openai },
            base_url: row.base_url.clone(),
            upstream_model: row.upstream_model.clone(),
            api_key_variable: row.api_key_variable.clone(),
            costs: ModelPrices {
                input: Nanos(row.input_nanos_per_million),
                cached_input: Nanos(row.cached_input_nanos_per_million),
                output: Nanos(row.output_nanos_per_million),
            },
            output_cap_field: match row.output_cap_field.as_str() {
                MAX_COMPLETION_TOKENS => OutputCapField::MaxCompletionTokens,
                _ => OutputCapField::MaxTokens,
            },
            usage_in_stream: row.usage_in_stream,
            takes_sampling: row.takes_sampling,
            first_token: row
                .first_token_seconds
                .map(|seconds| Duration::from_secs(seconds.unsigned_abs().into())),
        }
    }
}

const MAX_COMPLETION_TOKENS: &str = "max_completion_tokens";

/// The enabled models, those turned off too, with their prices in force and their enabled routes, in order.
pub async fn load(conn: &mut Connection) -> StoreResult<Vec<CatalogModel>> {
    let rows: Vec<ModelRow> = models::table
        .filter(models::is_enabled)
        .order(models::position)
        .select(ModelRow::as_select())
        .load(conn)
        .await?;
    let prices: Vec<PriceRow> = model_prices::table
        .filter(model_prices::effective_from.le(now))
        .order((model_prices::effective_from.desc(), model_prices::version.desc()))
        .select(PriceRow::as_select())
        .load(conn)
        .await?;
    let routes: Vec<RouteRow> = model_routes::table
        .filter(model_routes::is_enabled)
        .order(model_routes::position)
        .select(RouteRow::as_select())
        .load(conn)
        .await?;
    let plans: Vec<(String, String)> =
        plan_models::table.select((plan_models::model_key, plan_models::plan)).load(conn).await?;
    Ok(rows.into_iter().filter_map(|row| assemble(row, &prices, &routes, &plans)).collect())
}

/// None for a model without a price: nobody could pay for it.
fn assemble(
    row: ModelRow,
    prices: &[PriceRow],
    routes: &[RouteRow],
    plans: &[(String, String)],
) -> Option<CatalogModel> {
    let price = prices.iter().find(|price| price.model_key == row.key)?;
    let is_of_model = |(key, plan): &(String, String)| (*key == row.key).then(|| plan.clone());
    Some(CatalogModel {
        plans: plans.iter().filter_map(is_of_model).collect(),
        routes: routes.iter().filter(|route| route.model_key == row.key).map(Route::from).collect(),
        is_off: row.is_off,
        price_version: price.version,
        prices: price.into(),
        name: row.name,
        description: row.description,
        context_tokens: row.context_tokens.unsigned_abs(),
        max_output_tokens: row.max_output_tokens.unsigned_abs(),
        min_output_tokens: row.min_output_tokens.unsigned_abs(),
        key: row.key,
    })
}

/// Fills an empty catalog; does nothing to any other.
pub async fn seed(conn: &mut Connection, config: &CatalogConfig) -> StoreResult<()> {
    let count: i64 = models::table.count().get_result(conn).await?;
    if count == 0 { apply(conn, config).await } else { Ok(()) }
}

/// Brings the catalog in line with the file: what the file lacks is disabled, a price that differs becomes a new version.
pub async fn apply(conn: &mut Connection, config: &CatalogConfig) -> StoreResult<()> {
    conn.transaction::<_, diesel::result::Error, _>(async |conn| {
        // One at a time: several processes may start at once.
        diesel::sql_query("lock table models in share row exclusive mode").execute(conn).await?;
        diesel::update(models::table).set(models::is_enabled.eq(false)).execute(conn).await?;
        diesel::update(model_routes::table).set(model_routes::is_enabled.eq(false)).execute(conn).await?;
        diesel::delete(plan_models::table).execute(conn).await?;
        for (position, model) in (0..).zip(&config.models) {
            upsert_model(conn, position, model).await?;
            add_price(conn, model).await?;
            for (position, route) in (0..).zip(&model.routes) {
                upsert_route(conn, &model.key, position, route).await?;
            }
            for plan in &model.plans {
                let row = (plan_models::plan.eq(plan), plan_models::model_key.eq(&model.key));
                diesel::insert_into(plan_models::table).values(row).execute(conn).await?;
            }
        }
        Ok(())
    })
    .await?;
    Ok(())
}

async fn upsert_model(conn: &mut Connection, position: i32, model: &ModelConfig) -> QueryResult<()> {
    let int = |tokens: u32| i32::try_from(tokens).unwrap_or(i32::MAX);
    let columns = (
        models::name.eq(&model.name),
        models::description.eq(&model.description),
        models::context_tokens.eq(int(model.context_tokens)),
        models::max_output_tokens.eq(int(model.max_output_tokens)),
        models::min_output_tokens.eq(int(model.min_output_tokens)),
        models::position.eq(position),
        models::is_enabled.eq(true),
    );
    diesel::insert_into(models::table)
        .values((models::key.eq(&model.key), columns))
        .on_conflict(models::key)
        .do_update()
        .set(columns)
        .execute(conn)
        .await?;
    Ok(())
}

async fn add_price(conn: &mut Connection, model: &ModelConfig) -> QueryResult<()> {
    let last: Option<PriceRow> = model_prices::table
        .filter(model_prices::model_key.eq(&model.key))
        .order(model_prices::version.desc())
        .select(PriceRow::as_select())
        .first(conn)
        .await
        .optional()?;
    if last.is_some_and(|last| ModelPrices::from(&last) == model.prices) {
        return Ok(());
    }
    // The next, also after one that was withdrawn.
    let last_version: i32 =
        models::table.find(&model.key).select(models::last_price_version).first(conn).await?;
    diesel::insert_into(model_prices::table)
        .values((
            model_prices::model_key.eq(&model.key),
            model_prices::version.eq(last_version + 1),
            model_prices::input_nanos_per_million.eq(model.prices.input.0),
            model_prices::cached_input_nanos_per_million.eq(model.prices.cached_input.0),
            model_prices::output_nanos_per_million.eq(model.prices.output.0),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

async fn upsert_route(
    conn: &mut Connection,
    model_key: &str,
    position: i32,
    route: &RouteConfig,
) -> QueryResult<()> {
    let output_cap_field = match route.output_cap_field {
        OutputCapField::MaxTokens => "max_tokens",
        OutputCapField::MaxCompletionTokens => MAX_COMPLETION_TOKENS,
    };
    let columns = (
        model_routes::model_key.eq(model_key),
        model_routes::position.eq(position),
        model_routes::provider.eq(route.provider.key()),
        model_routes::base_url.eq(route.base_url.as_str()),
        model_routes::upstream_model.eq(&route.model),
        model_routes::api_key_variable.eq(&route.api_key_variable),
        model_routes::input_nanos_per_million.eq(route.costs.input.0),
        model_routes::cached_input_nanos_per_million.eq(route.costs.cached_input.0),
        model_routes::output_nanos_per_million.eq(route.costs.output.0),
        model_routes::is_enabled.eq(true),
        model_routes::output_cap_field.eq(output_cap_field),
        model_routes::first_token_seconds
            .eq(route.first_token_seconds.map(|seconds| i32::from(seconds.get()))),
        model_routes::usage_in_stream.eq(route.usage_in_stream),
        model_routes::takes_sampling.eq(route.takes_sampling),
    );
    diesel::insert_into(model_routes::table)
        .values((model_routes::key.eq(&route.key), columns))
        .on_conflict(model_routes::key)
        .do_update()
        .set(columns)
        .execute(conn)
        .await?;
    Ok(())
}
