//! What somebody wrote, used and paid, as a file.

use app::types::Actor;
use axum::Extension;
use axum::extract::State;
use axum::response::Response;

use crate::routes::download::{answer_error, pages, stream_attachment};
use crate::services::account_export::Place;
use crate::state::AppState;

/// Not for an operator who looks at it as somebody else: it is all what people wrote.
pub(crate) async fn export_account(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
) -> Response {
    let account_id = match actor.owner() {
        Ok(user) => user.account_id,
        Err(error) => return answer_error(error.into(), &actor),
    };
    let pieces = pages(Place::default(), move |place| {
        let export = state.account_export.clone();
        async move { export.read(account_id, place).await }
    });
    stream_attachment("data.json", "application/json", pieces, &actor)
}
