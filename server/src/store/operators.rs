//! Who may open the admin panel.

use app::types::{AuditKind, UserId};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};
use serde_json::json;

use super::audit::{self, NewAuditEvent};
use super::schema::users;
use super::visits::{self, Visits};
use super::{Connection, StoreError, StoreResult};

/// Makes somebody an operator, or ends that, with a row in the audit log. `detail` says by which way. False: so it was
/// before. Not found: there is no such person.
pub async fn set(
    conn: &mut Connection,
    id: UserId,
    is_operator: bool,
    detail: &str,
    request_id: &str,
) -> StoreResult<bool> {
    conn.transaction::<_, StoreError, _>(async |conn| {
        let was: bool = users::table.find(id.0).select(users::is_operator).for_update().first(conn).await?;
        if was == is_operator {
            return Ok(false);
        }
        diesel::update(users::table.find(id.0)).set(users::is_operator.eq(is_operator)).execute(conn).await?;
        let kind = if is_operator { AuditKind::OperatorAdded } else { AuditKind::OperatorRemoved };
        let event = NewAuditEvent {
            user_id: Some(id),
            before: Some(json!({ "operator": was })),
            after: Some(json!({ "operator": is_operator })),
            detail,
            request_id,
            ..NewAuditEvent::new(kind)
        };
        audit::insert(conn, event).await?;
        if !is_operator {
            let ended = NewAuditEvent {
                detail: "they are no operator any more",
                request_id,
                ..NewAuditEvent::new(AuditKind::VisitEnded)
            };
            visits::end(conn, Visits::Of(id), ended).await?;
        }
        Ok(true)
    })
    .await
}
