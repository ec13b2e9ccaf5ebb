//! Who gets mail, which mails they do not want, and the links that let them say so without a session.

use app::types::{AccountId, NoticeKind, UserId};
use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::clock::now;
use super::schema::{mail_links, mail_opt_outs, users};
use super::{Connection, StoreResult};

/// Somebody with an address that is verified.
#[derive(Clone, Debug)]
pub struct Reader {
    pub user_id: UserId,
    pub address: String,
}

/// Who is told by mail what concerns an account. None: nobody it belongs to has a verified address.
pub async fn find_reader(conn: &mut Connection, account_id: AccountId) -> StoreResult<Option<Reader>> {
    let row: Option<(Uuid, String)> = users::table
        .filter(users::account_id.eq(account_id.0))
        .filter(users::email_verified)
        .filter(users::email.is_not_null())
        .select((users::id, users::email.assume_not_null()))
        .order(users::created_at)
        .first(conn)
        .await
        .optional()?;
    Ok(row.map(|(id, address)| Reader { user_id: UserId(id), address }))
}

/// The kinds of mail somebody has turned off.
pub async fn list_opt_outs(conn: &mut Connection, user_id: UserId) -> StoreResult<Vec<NoticeKind>> {
    let kinds: Vec<String> = mail_opt_outs::table
        .filter(mail_opt_outs::user_id.eq(user_id.0))
        .select(mail_opt_outs::kind)
        .load(conn)
        .await?;
    Ok(kinds.iter().filter_map(|kind| kind.parse().ok()).collect())
}

/// Turns a kind on or off. Twice is as good as once. The database allows only kinds that are optional.
pub async fn switch(
    conn: &mut Connection,
    user_id: UserId,
    kind: NoticeKind,
    is_on: bool,
) -> StoreResult<()> {
    let kind = kind.to_string();
    if is_on {
        diesel::delete(mail_opt_outs::table.find((user_id.0, kind))).execute(conn).await?;
    } else {
        diesel::insert_into(mail_opt_outs::table)
            .values((mail_opt_outs::user_id.eq(user_id.0), mail_opt_outs::kind.eq(kind)))
            .on_conflict_do_nothing()
            .execute(conn)
            .await?;
    }
    Ok(())
}

pub async fn insert_link(conn: &mut Connection, user_id: UserId, token_hash: &[u8]) -> StoreResult<()> {
    diesel::insert_into(mail_links::table)
        .values((mail_links::token_hash.eq(token_hash), mail_links::user_id.eq(user_id.0)))
        .execute(conn)
        .await?;
    Ok(())
}

/// Whose mail a link was in.
pub async fn find_by_link(conn: &mut Connection, token_hash: &[u8]) -> StoreResult<Option<UserId>> {
    let id: Option<Uuid> =
        mail_links::table.find(token_hash).select(mail_links::user_id).first(conn).await.optional()?;
    Ok(id.map(UserId))
}

/// Ends links that were sent so long ago.
pub async fn delete_links(conn: &mut Connection, age: TimeDelta) -> StoreResult<usize> {
    let before = now(conn).await? - age;
    let old = mail_links::table.filter(mail_links::created_at.lt(before));
    Ok(diesel::delete(old).execute(conn).await?)
}
