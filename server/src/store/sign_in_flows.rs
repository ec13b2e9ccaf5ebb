//! Sign-ins under way.

use chrono::{DateTime, Utc};
use diesel::dsl::now;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::schema::sign_in_flows;
use super::{Connection, StoreResult};

#[derive(Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = sign_in_flows)]
pub struct SignInFlowRow {
    /// SHA-256 of the `state` parameter.
    pub state_hash: Vec<u8>,
    /// SHA-256 of the cookie of the browser that began.
    pub browser_hash: Vec<u8>,
    pub provider_key: String,
    pub nonce: String,
    pub pkce_verifier: String,
    pub return_to: String,
    pub expires_at: DateTime<Utc>,
}

/// Saves a flow, and forgets those nobody finished.
pub async fn insert(conn: &mut Connection, flow: &SignInFlowRow) -> StoreResult<()> {
    diesel::delete(sign_in_flows::table.filter(sign_in_flows::expires_at.lt(now))).execute(conn).await?;
    diesel::insert_into(sign_in_flows::table).values(flow).execute(conn).await?;
    Ok(())
}

/// Takes a live flow out, so that it works once. None: it expired, was used, or never was.
pub async fn take(conn: &mut Connection, state_hash: &[u8]) -> StoreResult<Option<SignInFlowRow>> {
    let flow = diesel::delete(sign_in_flows::table.find(state_hash))
        .returning(SignInFlowRow::as_returning())
        .get_result(conn)
        .await
        .optional()?;
    Ok(flow.filter(|flow| flow.expires_at > Utc::now()))
}
