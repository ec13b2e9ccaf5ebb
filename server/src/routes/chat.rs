//! A conversation as a file.

mod markdown;

use app::ApiError;
use app::types::{Actor, ThreadId};
use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;

use crate::AppResult;
use crate::routes::download::{answer_error, text_attachment};
use crate::state::AppState;

/// The conversation as the page shows it, as markdown. Not for an operator who looks at it as somebody else: it is all
/// what people wrote.
pub(crate) async fn export_thread(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Response {
    let file = async {
        actor.owner()?;
        let id: ThreadId = id.parse().map_err(|_| ApiError::NotFound)?;
        let chat = &state.backend.chat;
        let conversation = chat.read_thread(&actor, id).await?;
        let models = chat.list_models(&actor).await?;
        let name = markdown::file_name(&conversation.thread.title);
        let text = markdown::document(&conversation, &models);
        AppResult::Ok(text_attachment(&name, "text/markdown; charset=utf-8", text))
    };
    file.await.unwrap_or_else(|error| answer_error(error, &actor))
}
