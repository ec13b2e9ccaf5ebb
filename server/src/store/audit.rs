//! What happened to people's access. Rows are only ever added.

use app::types::UserId;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::schema::audit_events;
use super::{Connection, StoreResult};

/// The kinds of event, as stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditKind {
    SignedIn,
    SignInRefused,
    SignedOut,
    SignedOutEverywhere,
    SessionRevoked,
}

impl AuditKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::SignedIn => "signed_in",
            Self::SignInRefused => "sign_in_refused",
            Self::SignedOut => "signed_out",
            Self::SignedOutEverywhere => "signed_out_everywhere",
            Self::SessionRevoked => "session_revoked",
        }
    }
}

/// One event. `detail` is free of e-mail addresses and secrets.
#[derive(Clone, Debug)]
pub struct NewAuditEvent<'a> {
    pub kind: AuditKind,
    pub user_id: Option<UserId>,
    pub request_id: &'a str,
    pub detail: &'a str,
}

pub async fn insert(conn: &mut Connection, event: NewAuditEvent<'_>) -> StoreResult<()> {
    diesel::insert_into(audit_events::table)
        .values((
            audit_events::id.eq(Uuid::now_v7()),
            audit_events::kind.eq(event.kind.as_str()),
            audit_events::user_id.eq(event.user_id.map(|id| id.0)),
            audit_events::request_id.eq(event.request_id),
            audit_events::detail.eq(event.detail),
        ))
        .execute(conn)
        .await?;
    Ok(())
}
