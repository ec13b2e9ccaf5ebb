//! Files for operators.

use app::ApiError;
use app::types::{Actor, AuditEvent, AuditQuery, PersonLabel};
use axum::Extension;
use axum::extract::{Query, State};
use axum::response::Response;
use futures::stream;
use serde::Deserialize;

use super::download::{answer_error, attachment, row, text, time};
use crate::AppResult;
use crate::state::AppState;

const AUDIT_HEADER: &str = "at,event,operator_id,operator,person_id,person,changes,reason,detail,address,request_id,\
    event_id\r\n";

/// As in the address of the page.
#[derive(Default, Deserialize)]
pub(crate) struct ExportQuery {
    kind: Option<String>,
    person: Option<String>,
    operator: Option<String>,
}

/// The whole audit log, or the part of it that the page shows, newest first.
pub(crate) async fn export_audit_log(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Query(query): Query<ExportQuery>,
) -> Response {
    let file = async {
        let operator = actor.operator()?;
        let query = query.parse()?;
        let rows = stream::try_unfold(Some(query), move |place| {
            let (log, operator) = (state.audit_log.clone(), operator.clone());
            async move {
                let Some(query) = place else { return Ok(None) };
                let page = log.export(&operator, query).await?;
                let rows: String = page.events.iter().map(audit_row).collect();
                AppResult::Ok(Some((rows, page.next.map(|id| AuditQuery { after: Some(id), ..query }))))
            }
        });
        AppResult::Ok(attachment("audit-log.csv", AUDIT_HEADER, rows, &actor))
    };
    file.await.unwrap_or_else(|error| answer_error(error, &actor))
}

impl ExportQuery {
    fn parse(&self) -> Result<AuditQuery, ApiError> {
        AuditQuery::parse(self.kind.as_deref(), self.person.as_deref(), self.operator.as_deref(), None)
            .map_err(ApiError::invalid)
    }
}

fn audit_row(event: &AuditEvent) -> String {
    let id =
        |label: &Option<PersonLabel>| label.as_ref().map(|label| label.id.to_string()).unwrap_or_default();
    let name =
        |label: &Option<PersonLabel>| label.as_ref().map(|label| text(&label.name)).unwrap_or_default();
    let changes: Vec<_> = event.changes.iter().map(ToString::to_string).collect();
    row(&[
        time(event.at),
        event.title().to_owned(),
        id(&event.operator),
        name(&event.operator),
        id(&event.person),
        name(&event.person),
        text(&changes.join("; ")),
        text(&event.reason),
        text(&event.detail),
        event.address.clone().unwrap_or_default(),
        event.request_id.clone(),
        event.id.to_string(),
    ])
}
