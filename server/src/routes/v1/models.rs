//! The models a key may ask for.

use app::types::Caller;
use axum::extract::{Path, State};
use axum::{Extension, Json};
use http::Extensions;
use serde::Serialize;

use super::V1Error;
use crate::middleware::request_id;
use crate::services::completions::OfferedModel;
use crate::state::AppState;

#[derive(Serialize)]
pub(crate) struct ModelList {
    object: &'static str,
    data: Vec<ModelObject>,
}

#[derive(Serialize)]
pub(crate) struct ModelObject {
    id: String,
    object: &'static str,
    /// Clients want a number; when a model came is nowhere written.
    created: u64,
    owned_by: &'static str,
    /// What it can read and write at once, in tokens. OpenAI tells neither; others do, by these names.
    context_window: u32,
    /// The longest answer, in tokens.
    max_output_tokens: u32,
}

impl From<OfferedModel> for ModelObject {
    fn from(OfferedModel { key, context_tokens, max_output_tokens }: OfferedModel) -> Self {
        Self {
            id: key,
            object: "model",
            created: 0,
            owned_by: "plumbline",
            context_window: context_tokens,
            max_output_tokens,
        }
    }
}

pub(crate) async fn list_models(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    extensions: Extensions,
) -> Result<Json<ModelList>, V1Error> {
    let data = models(&state, caller, &extensions).await?;
    Ok(Json(ModelList { object: "list", data }))
}

pub(crate) async fn find_model(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    extensions: Extensions,
    Path(key): Path<String>,
) -> Result<Json<ModelObject>, V1Error> {
    let model = models(&state, caller, &extensions).await?.into_iter().find(|model| model.id == key);
    let missing = || {
        V1Error::no_such_model(
            "There is no such model, or your plan does not include it. GET /v1/models lists those you can have.",
        )
    };
    Ok(Json(model.ok_or_else(missing)?))
}

async fn models(
    state: &AppState,
    caller: Caller,
    extensions: &Extensions,
) -> Result<Vec<ModelObject>, V1Error> {
    let models = state.completions.list_models(caller).await;
    let models = models.map_err(|error| error.into_api(&request_id(extensions)))?;
    Ok(models.into_iter().map(ModelObject::from).collect())
}
