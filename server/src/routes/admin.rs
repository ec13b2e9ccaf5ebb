//! Files for operators.

use app::ApiError;
use app::types::{AccountId, Actor, AuditEvent, AuditQuery, Nanos, Period, PersonLabel, PersonVolume};
use axum::Extension;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;
use uuid::Uuid;

use super::download::{answer_error, attachment, pages, row, text, time};
use crate::AppResult;
use crate::services::admin::FileRow;
use crate::state::AppState;

const AUDIT_HEADER: &str = "at,event,operator_id,operator,person_id,person,changes,reason,detail,address,request_id,\
    event_id\r\n";

/// As in the address of the page.
#[derive(Default, Deserialize)]
pub(crate) struct ExportQuery {
    kind: Option<String>,
    person: Option<String>,
    operator: Option<String>,
    request: Option<String>,
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
        let rows = pages(query, move |query| {
            let (log, operator) = (state.audit_log.clone(), operator.clone());
            async move {
                let page = log.export(&operator, query).await?;
                let next = page.next.map(|id| AuditQuery { after: Some(id), ..query });
                Ok((page.events.iter().map(audit_row).collect(), next))
            }
        });
        AppResult::Ok(attachment("audit-log.csv", AUDIT_HEADER, rows, &actor))
    };
    file.await.unwrap_or_else(|error| answer_error(error, &actor))
}

impl ExportQuery {
    fn parse(&self) -> Result<AuditQuery, ApiError> {
        let value = |name: &str| match name {
            "kind" => self.kind.as_deref(),
            "person" => self.person.as_deref(),
            "operator" => self.operator.as_deref(),
            "request" => self.request.as_deref(),
            // The file is whole.
            _ => None,
        };
        AuditQuery::from_address(value).map_err(ApiError::invalid)
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

const USAGE_HEADER: &str = "day,model,route,provider,plan,outcome,replies,input_tokens,cached_input_tokens,output_tokens,\
    charged_usd,cost_usd,margin_usd\r\n";

const PEOPLE_HEADER: &str =
    "person_id,person,plan,replies,input_tokens,output_tokens,charged_usd,cost_usd,margin_usd\r\n";

#[derive(Deserialize)]
pub(crate) struct PeriodQuery {
    period: Option<String>,
}

impl PeriodQuery {
    fn parse(&self) -> Result<Period, ApiError> {
        let period = self.period.as_deref().map(str::parse::<Period>).transpose();
        Ok(period.map_err(|error| ApiError::invalid(error.to_string()))?.unwrap_or_default())
    }
}

/// What was used in a period, oldest first: by day, model, route, plan and end.
pub(crate) async fn export_usage(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Query(query): Query<PeriodQuery>,
) -> Response {
    let file = async {
        let operator = actor.operator()?;
        let period = query.parse()?;
        let days = state.figures.days(&operator, period).await?;
        let rows = pages(None, move |after| {
            let (figures, operator) = (state.figures.clone(), operator.clone());
            async move {
                let (rows, next) = figures.export_rows(&operator, days, after).await?;
                Ok((rows.iter().map(usage_row).collect(), next.map(Some)))
            }
        });
        AppResult::Ok(attachment(&format!("usage-{period}.csv"), USAGE_HEADER, rows, &actor))
    };
    file.await.unwrap_or_else(|error| answer_error(error, &actor))
}

/// What each person used in a period.
pub(crate) async fn export_people_usage(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Query(query): Query<PeriodQuery>,
) -> Response {
    let file = async {
        let operator = actor.operator()?;
        let period = query.parse()?;
        let days = state.figures.days(&operator, period).await?;
        let rows = pages(AccountId(Uuid::nil()), move |after| {
            let (figures, operator) = (state.figures.clone(), operator.clone());
            async move {
                let (people, next) = figures.export_people(&operator, days, after).await?;
                Ok((people.iter().map(person_row).collect(), next))
            }
        });
        AppResult::Ok(attachment(&format!("people-{period}.csv"), PEOPLE_HEADER, rows, &actor))
    };
    file.await.unwrap_or_else(|error| answer_error(error, &actor))
}

fn usage_row(part: &FileRow) -> String {
    row(&[
        part.day.to_string(),
        text(&part.model),
        text(&part.route_key),
        text(part.provider.as_deref().unwrap_or_default()),
        text(&part.plan),
        part.state.clone(),
        part.replies.to_string(),
        part.input_tokens.to_string(),
        part.cached_input_tokens.to_string(),
        part.output_tokens.to_string(),
        Nanos(part.charged_nanos).to_decimal(),
        Nanos(part.cost_nanos).to_decimal(),
        Nanos(part.charged_nanos - part.cost_nanos).to_decimal(),
    ])
}

fn person_row(part: &PersonVolume) -> String {
    let PersonVolume { person, plan_name, volume } = part;
    row(&[
        person.id.to_string(),
        text(&person.name),
        text(plan_name),
        volume.replies.to_string(),
        volume.input_tokens.to_string(),
        volume.output_tokens.to_string(),
        volume.charged.to_decimal(),
        volume.cost.to_decimal(),
        volume.margin().to_decimal(),
    ])
}
