//! Usage as files for other programs, and the way from a message to its receipt.

mod csv;

use app::ApiError;
use app::types::{Actor, GenerationId, MessageId, Period};
use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use uuid::Uuid;

use crate::AppResult;
use crate::routes::download::{answer_error, attachment, pages};
use crate::state::AppState;

#[derive(Deserialize)]
pub(crate) struct ExportQuery {
    period: Option<String>,
}

/// The replies of a period, or of all time, newest first.
pub(crate) async fn export_replies(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Query(query): Query<ExportQuery>,
) -> Response {
    let file = async {
        let account_id = actor.owner()?.account_id;
        let period = query.period.as_deref().map(str::parse::<Period>).transpose();
        let period = period.map_err(|error| ApiError::invalid(error.to_string()))?;
        let (from, until) = state.usage.bounds(period).await?;
        let name = period.map_or("all".to_owned(), |period| period.to_string());
        let first = (until, GenerationId(Uuid::nil()));
        let rows = pages(first, move |before| {
            let usage = state.usage.clone();
            async move {
                let (replies, next) = usage.export_replies(account_id, from, before).await?;
                Ok((csv::reply_rows(&replies), next))
            }
        });
        AppResult::Ok(attachment(&format!("replies-{name}.csv"), csv::REPLY_HEADER, rows, &actor))
    };
    file.await.unwrap_or_else(|error| answer_error(error, &actor))
}

/// The whole ledger of the account, newest first.
pub(crate) async fn export_statement(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
) -> Response {
    let account_id = match actor.owner() {
        Ok(user) => user.account_id,
        Err(error) => return answer_error(error.into(), &actor),
    };
    let rows = pages(None, move |before| {
        let usage = state.usage.clone();
        async move {
            let page = usage.export_statement(account_id, before).await?;
            Ok((csv::statement_rows(&page.entries), page.next.map(Some)))
        }
    });
    attachment("statement.csv", csv::STATEMENT_HEADER, rows, &actor)
}

/// From a message to the receipt of the reply that wrote it.
pub(crate) async fn find_receipt(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Response {
    let found = async {
        let id: MessageId = id.parse().map_err(|_| ApiError::NotFound)?;
        state.usage.reply_of_message(actor.reader()?.account_id, id).await
    };
    match found.await {
        Ok(id) => Redirect::to(&format!("/usage/replies/{id}")).into_response(),
        Err(error) => answer_error(error, &actor),
    }
}
