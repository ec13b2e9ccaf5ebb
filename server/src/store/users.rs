//! People and the identities they sign in with.

use app::types::{AccountId, User, UserId};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};
use uuid::Uuid;

use super::schema::{accounts as account_rows, identities, users};
use super::{Connection, StoreError, StoreResult, accounts};

/// Somebody who has just proved who they are to an identity provider.
#[derive(Clone, Debug)]
pub struct NewIdentity<'a> {
    pub issuer: &'a str,
    pub subject: &'a str,
    pub provider_name: &'a str,
    pub display_name: &'a str,
    pub email: Option<&'a str>,
    pub email_verified: bool,
}

/// The user with this identity, made with an account on `plan` when there is none. An e-mail address equal to another
/// user's means nothing.
pub async fn find_or_insert(
    conn: &mut Connection,
    identity: NewIdentity<'_>,
    plan: &str,
) -> StoreResult<UserId> {
    if let Some(user_id) = find_again(conn, &identity).await? {
        return Ok(user_id);
    }
    match insert(conn, &identity, plan).await {
        // Somebody signed in for the first time in two windows at once: the other one made the user.
        Err(StoreError::Query(diesel::result::Error::DatabaseError(
            diesel::result::DatabaseErrorKind::UniqueViolation,
            _,
        ))) => find_by_identity(conn, identity.issuer, identity.subject).await?.ok_or(StoreError::NotFound),
        inserted => inserted,
    }
}

/// Somebody has signed in with this identity before.
pub async fn is_known(conn: &mut Connection, issuer: &str, subject: &str) -> StoreResult<bool> {
    Ok(find_by_identity(conn, issuer, subject).await?.is_some())
}

async fn find_by_identity(conn: &mut Connection, issuer: &str, subject: &str) -> StoreResult<Option<UserId>> {
    let id: Option<Uuid> =
        identities::table.find((issuer, subject)).select(identities::user_id).first(conn).await.optional()?;
    Ok(id.map(UserId))
}

/// With the name and the address they have today. The identity is locked meanwhile: whoever is erased in this moment gets
/// neither back.
async fn find_again(conn: &mut Connection, identity: &NewIdentity<'_>) -> StoreResult<Option<UserId>> {
    conn.transaction::<_, StoreError, _>(async |conn| {
        let known = identities::table.find((identity.issuer, identity.subject)).select(identities::user_id);
        let id: Option<Uuid> = known.for_share().first(conn).await.optional()?;
        if let Some(id) = id {
            update_profile(conn, UserId(id), identity).await?;
        }
        Ok(id.map(UserId))
    })
    .await
}

async fn update_profile(conn: &mut Connection, id: UserId, identity: &NewIdentity<'_>) -> StoreResult<()> {
    diesel::update(users::table.find(id.0))
        .set((
            users::display_name.eq(identity.display_name),
            users::email.eq(identity.email),
            users::email_verified.eq(identity.email_verified),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

async fn insert(conn: &mut Connection, identity: &NewIdentity<'_>, plan: &str) -> StoreResult<UserId> {
    let (account_id, user_id) = (AccountId(Uuid::now_v7()), UserId(Uuid::now_v7()));
    conn.transaction::<_, diesel::result::Error, _>(async |conn| {
        accounts::insert(conn, account_id, plan).await?;
        diesel::insert_into(users::table)
            .values((
                users::id.eq(user_id.0),
                users::account_id.eq(account_id.0),
                users::display_name.eq(identity.display_name),
                users::email.eq(identity.email),
                users::email_verified.eq(identity.email_verified),
            ))
            .execute(conn)
            .await?;
        diesel::insert_into(identities::table)
            .values((
                identities::issuer.eq(identity.issuer),
                identities::subject.eq(identity.subject),
                identities::provider_name.eq(identity.provider_name),
                identities::user_id.eq(user_id.0),
            ))
            .execute(conn)
            .await
    })
    .await?;
    Ok(user_id)
}

/// The account a person belongs to.
pub async fn find_account(conn: &mut Connection, id: UserId) -> StoreResult<AccountId> {
    Ok(AccountId(users::table.find(id.0).select(users::account_id).first(conn).await?))
}

/// The same, unless it is erased.
pub async fn find_living_account(conn: &mut Connection, id: UserId) -> StoreResult<AccountId> {
    let account = users::table.inner_join(account_rows::table).filter(users::id.eq(id.0));
    let living = account.filter(account_rows::erased_at.is_null());
    Ok(AccountId(living.select(users::account_id).first(conn).await?))
}

/// The person as they see themselves.
pub async fn find(conn: &mut Connection, id: UserId) -> StoreResult<User> {
    let (display_name, email, has_verified_email, erase_at) = users::table
        .inner_join(account_rows::table)
        .filter(users::id.eq(id.0))
        .select((users::display_name, users::email, users::email_verified, account_rows::erase_at))
        .first(conn)
        .await?;
    let providers = identities::table
        .filter(identities::user_id.eq(id.0))
        .select(identities::provider_name)
        .order(identities::created_at)
        .load(conn)
        .await?;
    let (is_operator, viewing) = (false, None);
    Ok(User { display_name, email, has_verified_email, providers, is_operator, viewing, erase_at })
}
