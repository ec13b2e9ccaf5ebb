//! Keys that programs call the API with. Only the hash of one is kept. Each is made and revoked with its row of the audit log.

use app::types::{AccountId, ApiKey, ApiKeyId, Caller, Nanos, UserId};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::now;
use diesel::prelude::*;
use diesel::sql_types::Uuid as SqlUuid;
use diesel_async::{AsyncConnection, RunQueryDsl};
use uuid::Uuid;

use super::audit::{self, NewAuditEvent};
use super::schema::{accounts, api_keys, spending_caps};
use super::{Connection, StoreError, StoreResult, threads};

/// `last_used_at` is written no more often than this, so that calls do not write rows.
const USED_EVERY: TimeDelta = TimeDelta::minutes(1);

pub struct NewApiKey<'a> {
    pub account_id: AccountId,
    pub user_id: UserId,
    pub name: &'a str,
    pub hash: &'a [u8],
    pub hint: &'a str,
    /// None: whatever the account has.
    pub cap: Option<Nanos>,
}

/// Keeps a key, with its cap and a row in the audit log. False: the account has `most` already.
pub async fn insert(
    conn: &mut Connection,
    key: NewApiKey<'_>,
    most: i64,
    event: NewAuditEvent<'_>,
) -> StoreResult<bool> {
    conn.transaction::<_, StoreError, _>(async |conn| {
        // Of keys made at the same moment, one waits for the other to be counted.
        let account = accounts::table.find(key.account_id.0).select(accounts::id);
        let _: Uuid = account.for_no_key_update().first(conn).await?;
        let live = api_keys::table
            .filter(api_keys::account_id.eq(key.account_id.0))
            .filter(api_keys::revoked_at.is_null());
        let live: i64 = live.count().get_result(conn).await?;
        if live >= most {
            return Ok(false);
        }
        let id = Uuid::now_v7();
        diesel::insert_into(api_keys::table)
            .values((
                api_keys::id.eq(id),
                api_keys::account_id.eq(key.account_id.0),
                api_keys::user_id.eq(key.user_id.0),
                api_keys::name.eq(key.name),
                api_keys::hash.eq(key.hash),
                api_keys::hint.eq(key.hint),
            ))
            .execute(conn)
            .await?;
        threads::insert_of_program(conn, key.account_id, id, key.name).await?;
        if let Some(cap) = key.cap {
            let cap = (
                spending_caps::account_id.eq(key.account_id.0),
                spending_caps::thread_id.eq(id),
                spending_caps::limit_nanos.eq(cap.0),
                spending_caps::is_hard.eq(true),
            );
            diesel::insert_into(spending_caps::table).values(cap).execute(conn).await?;
        }
        audit::insert(conn, event).await?;
        Ok(true)
    })
    .await
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = api_keys)]
struct ApiKeyRow {
    id: Uuid,
    name: String,
    hint: String,
    created_at: DateTime<Utc>,
    last_used_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
    charged_nanos: i64,
}

impl From<ApiKeyRow> for ApiKey {
    fn from(row: ApiKeyRow) -> Self {
        Self {
            id: ApiKeyId(row.id),
            name: row.name,
            hint: row.hint,
            created_at: row.created_at,
            last_used_at: row.last_used_at,
            revoked_at: row.revoked_at,
            used: Nanos(row.charged_nanos),
            cap: None,
        }
    }
}

/// With their caps, which are those of their threads.
async fn capped(
    conn: &mut Connection,
    account_id: AccountId,
    rows: Vec<ApiKeyRow>,
) -> StoreResult<Vec<ApiKey>> {
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    let caps: Vec<(Option<Uuid>, Option<i64>)> = spending_caps::table
        .filter(spending_caps::account_id.eq(account_id.0))
        .filter(spending_caps::thread_id.eq_any(ids))
        .select((spending_caps::thread_id, spending_caps::limit_nanos))
        .load(conn)
        .await?;
    let key = |row: ApiKeyRow| {
        let cap = caps.iter().find(|(id, _)| *id == Some(row.id)).and_then(|(_, limit)| *limit);
        ApiKey { cap: cap.map(Nanos), ..row.into() }
    };
    Ok(rows.into_iter().map(key).collect())
}

/// The account's keys that work, the newest first.
pub async fn list(conn: &mut Connection, account_id: AccountId) -> StoreResult<Vec<ApiKey>> {
    let rows: Vec<ApiKeyRow> = api_keys::table
        .filter(api_keys::account_id.eq(account_id.0))
        .filter(api_keys::revoked_at.is_null())
        .order((api_keys::created_at.desc(), api_keys::id.desc()))
        .select(ApiKeyRow::as_select())
        .load(conn)
        .await?;
    capped(conn, account_id, rows).await
}

/// The account's keys that work, the newest first, then those that were revoked last.
pub async fn list_with_revoked(
    conn: &mut Connection,
    account_id: AccountId,
    limit: i64,
) -> StoreResult<Vec<ApiKey>> {
    let rows: Vec<ApiKeyRow> = api_keys::table
        .filter(api_keys::account_id.eq(account_id.0))
        .order((api_keys::revoked_at.desc().nulls_first(), api_keys::created_at.desc(), api_keys::id.desc()))
        .limit(limit)
        .select(ApiKeyRow::as_select())
        .load(conn)
        .await?;
    capped(conn, account_id, rows).await
}

/// Ends a key, with a row in the audit log. Twice is as good as once. Not found: it is another account's.
pub async fn revoke(
    conn: &mut Connection,
    account_id: AccountId,
    id: ApiKeyId,
    event: NewAuditEvent<'_>,
) -> StoreResult<()> {
    conn.transaction::<_, StoreError, _>(async |conn| {
        let owned = api_keys::table.find(id.0).filter(api_keys::account_id.eq(account_id.0));
        let columns = (api_keys::hint, api_keys::revoked_at);
        let (hint, revoked_at): (String, Option<DateTime<Utc>>) =
            owned.select(columns).for_update().first(conn).await?;
        if revoked_at.is_some() {
            return Ok(());
        }
        diesel::update(api_keys::table.find(id.0)).set(api_keys::revoked_at.eq(now)).execute(conn).await?;
        let detail = ApiKey::masked(&hint);
        audit::insert(conn, NewAuditEvent { detail: &detail, ..event }).await?;
        Ok(())
    })
    .await
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = api_keys)]
struct CallerRow {
    id: Uuid,
    account_id: Uuid,
    user_id: Uuid,
    last_used_at: Option<DateTime<Utc>>,
}

impl From<CallerRow> for Caller {
    fn from(row: CallerRow) -> Self {
        Self {
            api_key_id: ApiKeyId(row.id),
            account_id: AccountId(row.account_id),
            user_id: UserId(row.user_id),
        }
    }
}

/// Whose key has this hash; None when it is no good (any more).
pub async fn authenticate(conn: &mut Connection, hash: &[u8]) -> StoreResult<Option<Caller>> {
    let row: Option<CallerRow> = api_keys::table
        .filter(api_keys::hash.eq(hash))
        .filter(api_keys::revoked_at.is_null())
        .select(CallerRow::as_select())
        .first(conn)
        .await
        .optional()?;
    let Some(row) = row else { return Ok(None) };
    if row.last_used_at.is_none_or(|at| at < Utc::now() - USED_EVERY) {
        note_use(conn, row.id).await?;
    }
    Ok(Some(row.into()))
}

/// Waits for nobody: whoever has the row is noting the same, or revokes the key.
async fn note_use(conn: &mut Connection, id: Uuid) -> QueryResult<()> {
    diesel::sql_query(
        "with used as (
            select id from api_keys
            where id = $1 and (last_used_at is null or last_used_at < now() - interval '1 minute')
            for no key update skip locked
         )
         update api_keys set last_used_at = now() from used where api_keys.id = used.id",
    )
    .bind::<SqlUuid, _>(id)
    .execute(conn)
    .await?;
    Ok(())
}
