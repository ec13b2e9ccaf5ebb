//! Visits: an operator looks at the product as somebody else sees it, in one session and for a while. However a visit ends,
//! the audit log says so.

use app::types::{AccountId, AuditKind, SessionId, UserId, Viewing};
use chrono::{DateTime, SecondsFormat, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Binary, Bool, Nullable, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncConnection, RunQueryDsl};
use serde_json::{Value, json};
use uuid::Uuid;

use super::audit::{self, NewAuditEvent};
use super::interventions::Intervention;
use super::schema::sessions;
use super::{Connection, StoreError, StoreResult};

/// Begins one in the operator's session, in the place of the one before if there is one.
pub async fn begin(conn: &mut Connection, deed: Intervention<'_>, visit: Viewing) -> StoreResult<()> {
    conn.transaction::<_, StoreError, _>(async |conn| {
        let session_id = deed.operator.session_id();
        let next = NewAuditEvent {
            detail: "another one was begun",
            ..NewAuditEvent::of_request(deed.operator.actor(), AuditKind::VisitEnded)
        };
        end(conn, Visits::InSession(session_id), next).await?;
        let set = (sessions::viewed_user_id.eq(visit.person.0), sessions::viewing_until.eq(visit.until));
        diesel::update(sessions::table.find(session_id.0)).set(set).execute(conn).await?;
        deed.record(conn, AuditKind::VisitBegun, Value::Null, json!({ "until": visit.until })).await?;
        Ok(())
    })
    .await
}

/// Lets the operator be themself again. Whom they looked at, also when the visit's time was over; None: nobody.
pub async fn leave(
    conn: &mut Connection,
    session_id: SessionId,
    event: NewAuditEvent<'_>,
) -> StoreResult<Option<UserId>> {
    conn.transaction::<_, StoreError, _>(async |conn| {
        Ok(end(conn, Visits::InSession(session_id), event).await?.into_iter().next())
    })
    .await
}

/// Ends those whose time is over. So many.
pub async fn end_over(conn: &mut Connection) -> StoreResult<usize> {
    conn.transaction::<_, StoreError, _>(async |conn| {
        Ok(end(conn, Visits::Over, NewAuditEvent::new(AuditKind::VisitEnded)).await?.len())
    })
    .await
}

/// Some visits.
#[derive(Clone, Copy, Debug)]
pub(super) enum Visits<'a> {
    InSession(SessionId),
    /// In the session with this hash of its token.
    InSessionOfToken(&'a [u8]),
    /// In any session of this operator.
    Of(UserId),
    /// Of any operator at this person.
    To(UserId),
    /// Their time is over.
    Over,
}

#[derive(QueryableByName)]
struct EndedVisit {
    #[diesel(sql_type = SqlUuid)]
    operator_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    person_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    account_id: Uuid,
    #[diesel(sql_type = Timestamptz)]
    viewing_until: DateTime<Utc>,
    #[diesel(sql_type = Bool)]
    is_over: bool,
}

/// Ends them in the caller's transaction, each with a row in the audit log: `event`, whose detail says why, unless the
/// time was over. Who was looked at.
pub(super) async fn end(
    conn: &mut Connection,
    visits: Visits<'_>,
    event: NewAuditEvent<'_>,
) -> StoreResult<Vec<UserId>> {
    const END: &str = "
        with ended as (
            select sessions.id, user_id, viewed_user_id, viewing_until, account_id
            from sessions join users on users.id = viewed_user_id
            where viewed_user_id is not null
                and (sessions.id = $1 or token_hash = $2 or user_id = $3 or viewed_user_id = $5
                    or $4 and viewing_until <= clock_timestamp())
            for update of sessions
        )
        update sessions set viewed_user_id = null, viewing_until = null
        from ended where sessions.id = ended.id
        returning ended.user_id as operator_id, ended.viewed_user_id as person_id, ended.account_id,
            ended.viewing_until, ended.viewing_until <= clock_timestamp() as is_over";
    let (session, token, operator, person, is_any_over) = match visits {
        Visits::InSession(id) => (Some(id.0), None, None, None, false),
        Visits::InSessionOfToken(hash) => (None, Some(hash), None, None, false),
        Visits::Of(id) => (None, None, Some(id.0), None, false),
        Visits::To(id) => (None, None, None, Some(id.0), false),
        Visits::Over => (None, None, None, None, true),
    };
    let ended: Vec<EndedVisit> = diesel::sql_query(END)
        .bind::<Nullable<SqlUuid>, _>(session)
        .bind::<Nullable<Binary>, _>(token)
        .bind::<Nullable<SqlUuid>, _>(operator)
        .bind::<Bool, _>(is_any_over)
        .bind::<Nullable<SqlUuid>, _>(person)
        .load(conn)
        .await?;
    for visit in &ended {
        let until = visit.viewing_until.to_rfc3339_opts(SecondsFormat::Secs, true);
        let over = format!("its time was over at {until}");
        let event = NewAuditEvent {
            kind: AuditKind::VisitEnded,
            user_id: Some(UserId(visit.person_id)),
            account_id: Some(AccountId(visit.account_id)),
            operator_id: Some(UserId(visit.operator_id)),
            detail: if visit.is_over { &over } else { event.detail },
            ..event.clone()
        };
        audit::insert(conn, event).await?;
    }
    Ok(ended.into_iter().map(|visit| UserId(visit.person_id)).collect())
}
