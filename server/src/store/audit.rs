//! The audit log: what happened to people's access and money, and what operators did. Rows are only ever added, in the
//! transaction of what they tell.

use app::types::{
    AccountId, Actor, AuditChange, AuditEvent, AuditId, AuditKind, AuditPage, AuditQuery, FormId, Operator,
    PersonLabel, SignedIn, UserId,
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use super::schema::{audit_events, users};
use super::{Connection, StoreError, StoreResult};

/// One event. None of its texts has an e-mail address or a secret in it.
#[derive(Clone, Debug)]
pub struct NewAuditEvent<'a> {
    pub kind: AuditKind,
    /// Whom it is about.
    pub user_id: Option<UserId>,
    pub account_id: Option<AccountId>,
    /// None: the person did it, or nobody.
    pub operator_id: Option<UserId>,
    /// What was changed, as objects with the same fields.
    pub before: Option<Value>,
    pub after: Option<Value>,
    pub reason: &'a str,
    pub detail: &'a str,
    pub address: Option<String>,
    pub request_id: &'a str,
    /// The form that was sent, where sending it twice must not do it twice.
    pub form_id: Option<FormId>,
}

impl<'a> NewAuditEvent<'a> {
    /// Of nobody yet, and from nowhere.
    pub fn new(kind: AuditKind) -> Self {
        Self {
            kind,
            user_id: None,
            account_id: None,
            operator_id: None,
            before: None,
            after: None,
            reason: "",
            detail: "",
            address: None,
            request_id: "",
            form_id: None,
        }
    }

    /// Of nobody yet, by a request.
    pub fn of_request(actor: &'a Actor, kind: AuditKind) -> Self {
        let address = actor.address.map(|address| address.to_string());
        Self { address, request_id: &actor.request_id, ..Self::new(kind) }
    }

    /// Done by a person to their own account.
    pub fn by_person(actor: &'a Actor, user: SignedIn, kind: AuditKind) -> Self {
        let (user_id, account_id) = (Some(user.user_id), Some(user.account_id));
        Self { user_id, account_id, ..Self::of_request(actor, kind) }
    }

    /// Done by an operator.
    pub fn by(operator: &'a Operator, kind: AuditKind) -> Self {
        Self { operator_id: Some(operator.user_id()), ..Self::of_request(operator.actor(), kind) }
    }
}

/// Its id, which other rows may name.
pub async fn insert(conn: &mut Connection, event: NewAuditEvent<'_>) -> StoreResult<AuditId> {
    let id = AuditId(Uuid::now_v7());
    diesel::insert_into(audit_events::table)
        .values((
            audit_events::id.eq(id.0),
            audit_events::kind.eq(event.kind.to_string()),
            audit_events::user_id.eq(event.user_id.map(|id| id.0)),
            audit_events::account_id.eq(event.account_id.map(|id| id.0)),
            audit_events::operator_id.eq(event.operator_id.map(|id| id.0)),
            audit_events::before.eq(event.before),
            audit_events::after.eq(event.after),
            audit_events::reason.eq(event.reason),
            audit_events::detail.eq(event.detail),
            audit_events::address.eq(event.address),
            audit_events::request_id.eq(event.request_id),
            audit_events::form_id.eq(event.form_id.map(|id| id.0)),
        ))
        .execute(conn)
        .await?;
    Ok(id)
}

/// What was done with a form before. None: it was not sent yet.
pub(super) async fn find_by_form(conn: &mut Connection, form_id: FormId) -> QueryResult<Option<AuditId>> {
    let of_form = audit_events::table.filter(audit_events::form_id.eq(form_id.0));
    let id: Option<Uuid> = of_form.select(audit_events::id).first(conn).await.optional()?;
    Ok(id.map(AuditId))
}

/// With something that is done elsewhere. It is done when the row is written and before it is committed, and undone when
/// it cannot be committed: only a process that dies in between leaves it without its row. False: it could not be done.
pub async fn insert_with(
    conn: &mut Connection,
    event: NewAuditEvent<'_>,
    act: impl Future<Output = bool> + Send,
    undo: impl Future<Output = bool> + Send,
) -> StoreResult<bool> {
    let mut is_done = false;
    let written = conn.transaction::<_, StoreError, _>(async |conn| {
        insert(conn, event).await?;
        is_done = act.await;
        if is_done { Ok(()) } else { Err(diesel::result::Error::RollbackTransaction.into()) }
    });
    match written.await {
        Ok(()) => Ok(true),
        Err(StoreError::Query(diesel::result::Error::RollbackTransaction)) => Ok(false),
        Err(error) => {
            if is_done && !undo.await {
                tracing::error!("What was done could neither be written into the audit log nor undone");
            }
            Err(error)
        }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = audit_events)]
struct EventRow {
    id: Uuid,
    kind: String,
    user_id: Option<Uuid>,
    request_id: String,
    detail: String,
    occurred_at: DateTime<Utc>,
    operator_id: Option<Uuid>,
    before: Option<Value>,
    after: Option<Value>,
    reason: String,
    address: Option<String>,
}

/// Newest first, `limit` of them at most.
pub async fn list(conn: &mut Connection, query: AuditQuery, limit: i64) -> StoreResult<AuditPage> {
    let mut wanted = audit_events::table.into_boxed();
    if let Some(kind) = query.kind {
        wanted = wanted.filter(audit_events::kind.eq(kind.to_string()));
    }
    if let Some(UserId(id)) = query.person {
        wanted = wanted.filter(audit_events::user_id.eq(id));
    }
    if let Some(UserId(id)) = query.operator {
        wanted = wanted.filter(audit_events::operator_id.eq(id));
    }
    if let Some(id) = query.request_id {
        wanted = wanted.filter(audit_events::request_id.eq(id.to_string()));
    }
    if let Some(AuditId(id)) = query.after {
        wanted = wanted.filter(audit_events::id.lt(id));
    }
    // One more than wanted tells whether there is more.
    let mut rows: Vec<EventRow> = wanted
        .order(audit_events::id.desc())
        .limit(limit + 1)
        .select(EventRow::as_select())
        .load(conn)
        .await?;
    let has_more = i64::try_from(rows.len()).is_ok_and(|count| count > limit);
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let names = find_names(conn, &rows).await?;
    let events: Vec<_> = rows.into_iter().map(|row| row.into_event(&names)).collect();
    let next = events.last().filter(|_| has_more).map(|event| event.id);
    Ok(AuditPage { events, next, failed_request: None })
}

async fn find_names(conn: &mut Connection, rows: &[EventRow]) -> QueryResult<Vec<(Uuid, String)>> {
    let ids = rows.iter().flat_map(|row| [row.user_id, row.operator_id]).flatten();
    let named = users::table.filter(users::id.eq_any(ids.collect::<Vec<_>>()));
    named.select((users::id, users::display_name)).load(conn).await
}

impl EventRow {
    fn into_event(self, names: &[(Uuid, String)]) -> AuditEvent {
        let name = |id| names.iter().find(|(known, _)| *known == id).map(|(_, name)| name.clone());
        let label = |id| PersonLabel { id: UserId(id), name: name(id).unwrap_or_default() };
        AuditEvent {
            id: AuditId(self.id),
            at: self.occurred_at,
            kind: self.kind.parse().ok(),
            operator: self.operator_id.map(label),
            person: self.user_id.map(label),
            changes: changes(self.before.as_ref(), self.after.as_ref()),
            reason: self.reason,
            detail: self.detail,
            address: self.address,
            request_id: self.request_id,
        }
    }
}

/// Field by field, those that differ.
fn changes(before: Option<&Value>, after: Option<&Value>) -> Vec<AuditChange> {
    let objects = [before, after].map(|value| value.and_then(Value::as_object));
    let mut names: Vec<_> = objects.iter().flatten().flat_map(|object| object.keys()).collect();
    names.sort();
    names.dedup();
    let of = |index: usize, name: &str| objects[index].and_then(|object| object.get(name)).and_then(text);
    names
        .into_iter()
        .map(|name| AuditChange { name: name.clone(), before: of(0, name), after: of(1, name) })
        .filter(|change| change.before != change.after)
        .collect()
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::changes;

    #[test]
    fn only_what_differs_is_a_change() {
        let before = json!({ "balance": "$1.00", "plan": "free", "until": null });
        let after = json!({ "balance": "$6.00", "plan": "free", "until": "tomorrow" });
        let told: Vec<_> = changes(Some(&before), Some(&after)).iter().map(ToString::to_string).collect();
        assert_eq!(told, ["balance: $1.00 → $6.00", "until: tomorrow"]);
        assert_eq!(changes(None, None), []);
    }
}
