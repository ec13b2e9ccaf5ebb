//! Erasing accounts: asked for by the person, taken back, and done. Money stays, with nothing that says whose it was.

use std::time::Duration;

use app::types::{AccountId, AuditKind, UserId};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Interval, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncConnection, RunQueryDsl};
use serde_json::json;
use uuid::Uuid;

use super::audit::{self, NewAuditEvent};
use super::clock::{clock_timestamp, now};
use super::notices::{self, Facts, NewNotice};
use super::pool::allow_long_statements;
use super::schema::{accounts, subscriptions, users};
use super::visits::{self, Visits};
use super::{Connection, StoreError, StoreResult, ledger, messages, threads};
use crate::providers::stripe::SubscriptionStatus;

/// How long something may still be written that was begun before.
const ERASED_LATELY: TimeDelta = TimeDelta::hours(60);

/// After the end of a subscription its last invoice is made, and events about it come in.
pub const AFTER_SUBSCRIPTION: TimeDelta = TimeDelta::days(2);

/// So many conversations are erased at a time, each with all its messages.
pub const THREADS: i64 = 50;

/// The words of somebody who has written for years.
const LONGEST_STATEMENT: Duration = Duration::from_secs(300);

/// What decides whether an account can be erased, and when.
#[derive(Clone, Debug, Queryable)]
pub struct Prospect {
    pub erase_at: Option<DateTime<Utc>>,
    pub suspended_at: Option<DateTime<Utc>>,
    /// Somebody of the account is an operator.
    pub is_operator: bool,
    /// Of the subscription: how it is paid, what to, and when it ends. None: there was none.
    subscription: Option<(String, Option<String>, Option<DateTime<Utc>>)>,
    /// When this was so.
    pub at: DateTime<Utc>,
}

/// A subscription that is paid for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveSubscription {
    /// None: of a product we do not know.
    pub plan: Option<String>,
    /// None: it goes on.
    pub ends_at: Option<DateTime<Utc>>,
}

impl Prospect {
    pub fn subscription(&self) -> Option<LiveSubscription> {
        let (status, plan, ends_at) = self.subscription.clone()?;
        let is_paid_for = status.parse().is_ok_and(SubscriptionStatus::gives_credit);
        is_paid_for.then_some(LiveSubscription { plan, ends_at })
    }
}

pub async fn find(conn: &mut Connection, account_id: AccountId) -> StoreResult<Prospect> {
    let operators = users::table.filter(users::account_id.eq(account_id.0)).filter(users::is_operator);
    Ok(accounts::table
        .left_join(subscriptions::table)
        .filter(accounts::id.eq(account_id.0))
        .select((
            accounts::erase_at,
            accounts::suspended_at,
            exists(operators),
            (subscriptions::status, subscriptions::plan, subscriptions::ends_at).nullable(),
            clock_timestamp(),
        ))
        .first(conn)
        .await?)
}

/// Has the account erased at the time that `decide` says, with a row in the audit log and a notice. What was asked for
/// before stays as it is.
pub async fn request<Refusal>(
    conn: &mut Connection,
    account_id: AccountId,
    event: NewAuditEvent<'_>,
    decide: impl Fn(&Prospect) -> Result<DateTime<Utc>, Refusal> + Send + Sync,
) -> StoreResult<Result<(), Refusal>>
where
    Refusal: Send,
{
    conn.transaction::<_, StoreError, _>(async |conn| {
        let account = accounts::table.find(account_id.0);
        let _: Uuid = account.select(accounts::id).for_no_key_update().first(conn).await?;
        let prospect = find(conn, account_id).await?;
        if prospect.erase_at.is_some() {
            return Ok(Ok(()));
        }
        let erase_at = match decide(&prospect) {
            Ok(erase_at) => erase_at,
            Err(refusal) => return Ok(Err(refusal)),
        };
        diesel::update(account).set(accounts::erase_at.eq(erase_at)).execute(conn).await?;
        let event = NewAuditEvent { after: Some(json!({ "erase_at": erase_at })), ..event };
        let event_id = audit::insert(conn, event).await?;
        let facts = Facts::ErasurePlanned { erase_at };
        let notice = NewNotice { cause: format!("erasure:{event_id}"), facts };
        notices::insert(conn, account_id, &[notice]).await?;
        Ok(Ok(()))
    })
    .await
}

/// Keeps the account, with a row in the audit log. What nobody has asked for is kept anyway. False: its time has come, and
/// a part of it may be erased already.
pub async fn withdraw(
    conn: &mut Connection,
    account_id: AccountId,
    event: NewAuditEvent<'_>,
) -> StoreResult<bool> {
    conn.transaction::<_, StoreError, _>(async |conn| {
        let waiting = accounts::table.find(account_id.0).filter(accounts::erased_at.is_null());
        let before: Option<Option<DateTime<Utc>>> =
            waiting.select(accounts::erase_at).for_no_key_update().first(conn).await.optional()?;
        let Some(erase_at) = before.flatten() else { return Ok(true) };
        if find_readiness(conn, account_id).await? == Readiness::Ready {
            return Ok(false);
        }
        let none = accounts::erase_at.eq(None::<DateTime<Utc>>);
        diesel::update(accounts::table.find(account_id.0)).set(none).execute(conn).await?;
        let event = NewAuditEvent { before: Some(json!({ "erase_at": erase_at })), ..event };
        audit::insert(conn, event).await?;
        Ok(true)
    })
    .await
}

/// When the account is erased. None: never.
pub async fn find_date(conn: &mut Connection, account_id: AccountId) -> StoreResult<Option<DateTime<Utc>>> {
    Ok(accounts::table.find(account_id.0).select(accounts::erase_at).first(conn).await?)
}

/// The next accounts whose time has come, by id, after this one. Those that were erased lately come again: a request that was
/// in its middle may have written something after all.
pub async fn list_due(conn: &mut Connection, after: Uuid, limit: i64) -> StoreResult<Vec<AccountId>> {
    let lately = now(conn).await? - ERASED_LATELY;
    let ids: Vec<Uuid> = accounts::table
        .filter(accounts::id.gt(after))
        .filter(accounts::erased_at.is_null().or(accounts::erased_at.gt(lately)))
        .filter(accounts::erase_at.le(clock_timestamp().nullable()))
        .order(accounts::id)
        .limit(limit)
        .select(accounts::id)
        .load(conn)
        .await?;
    Ok(ids.into_iter().map(AccountId).collect())
}

/// Whether an account can be erased now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// Nobody has asked for it, its time has not come, or it was erased a while ago.
    NotDue,
    Waits(Obstacle),
    Ready,
}

/// Why a due account is not erased yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// For logs.
    pub reason: String,
    /// It goes on being used, or must not be left: the person has to ask anew, and has the same time again.
    pub is_for_good: bool,
}

/// Who owes money does not keep us waiting for ever.
pub async fn find_readiness(conn: &mut Connection, account_id: AccountId) -> StoreResult<Readiness> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Nullable<Text>)]
        reason: Option<String>,
        #[diesel(sql_type = Nullable<Bool>)]
        is_for_good: Option<bool>,
    }
    let giving_credit = SubscriptionStatus::ALL.into_iter().filter(|status| status.gives_credit());
    let giving_credit: Vec<_> = giving_credit.map(|status| status.to_string()).collect();
    let due = diesel::sql_query(
        "select reason, is_for_good from accounts account
         left join subscriptions subscription on subscription.account_id = account.id
         left join lateral (select * from (values
             (1, suspended_at is not null and erased_at is null, 'it is suspended', true),
             (2, exists (select from users where users.account_id = account.id and is_operator),
                 'it is an operator''s', true),
             (3, status = any($3) and ends_at is null, 'a subscription goes on', true),
             (4, status = any($3), 'a subscription is alive', false),
             (5, ends_at > clock_timestamp() - $4, 'a subscription has just ended', false),
             (6, exists (select from holds where holds.account_id = account.id and state = 'pending'),
                 'a reply is being written', false),
             (7, stripe_customer_id is not null and exists (select from meter_events
                 where meter_events.account_id = account.id and units > 0 and sent_at is null and refused_at is null),
                 'usage is still to be sent to Stripe', false),
             (8, exists (select from invoices where invoices.account_id = account.id and invoices.status in ('draft', 'open')
                 and invoices.created_at > clock_timestamp() - interval '60 days'), 'an invoice is open', false)
         ) obstacles (number, stands, reason, is_for_good) where stands order by number limit 1) obstacle on true
         where account.id = $1 and erase_at <= clock_timestamp()
             and (erased_at is null or erased_at > clock_timestamp() - $2)",
    );
    let due = due
        .bind::<SqlUuid, _>(account_id.0)
        .bind::<Interval, _>(ERASED_LATELY)
        .bind::<Array<Text>, _>(giving_credit)
        .bind::<Interval, _>(AFTER_SUBSCRIPTION);
    let row: Option<Row> = due.get_result(conn).await.optional()?;
    let Some(Row { reason, is_for_good }) = row else { return Ok(Readiness::NotDue) };
    let obstacle = reason.zip(is_for_good).map(|(reason, is_for_good)| Obstacle { reason, is_for_good });
    Ok(obstacle.map_or(Readiness::Ready, Readiness::Waits))
}

/// Erases all that is personal, with a row in the audit log; of an account that is erased already, what has been written
/// since. `customer_id` is the account's customer, which is deleted at Stripe already. False: it cannot be done now.
pub async fn erase(
    conn: &mut Connection,
    account_id: AccountId,
    customer_id: Option<&str>,
) -> StoreResult<bool> {
    conn.transaction::<_, StoreError, _>(async |conn| {
        allow_long_statements(conn, LONGEST_STATEMENT).await?;
        ledger::lock(conn, account_id).await?;
        if find_readiness(conn, account_id).await? != Readiness::Ready {
            return Ok(false);
        }
        let Some(is_first) = close(conn, account_id, customer_id).await? else { return Ok(false) };
        let people: Vec<Uuid> =
            users::table.filter(users::account_id.eq(account_id.0)).select(users::id).load(conn).await?;
        end_visits(conn, &people).await?;
        for statement in STATEMENTS {
            diesel::sql_query(*statement).bind::<SqlUuid, _>(account_id.0).execute(conn).await?;
        }
        while threads::erase_of_account(conn, account_id, THREADS).await? > 0 {}
        messages::erase_late(conn, account_id, ERASED_LATELY).await?;
        for user_id in people.into_iter().filter(|_| is_first) {
            let event = NewAuditEvent {
                user_id: Some(UserId(user_id)),
                account_id: Some(account_id),
                ..NewAuditEvent::new(AuditKind::AccountErased)
            };
            audit::insert(conn, event).await?;
        }
        Ok(true)
    })
    .await
}

/// From here on it is erased: suspended, so that no request that is in its middle is charged for, and without a customer, and
/// what is being read of that one is not written. Whether it was not erased before. None: it has another customer by now.
async fn close(
    conn: &mut Connection,
    account_id: AccountId,
    customer_id: Option<&str>,
) -> QueryResult<Option<bool>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Bool)]
        is_first: bool,
    }
    let closed = diesel::sql_query(
        "update accounts set erased_at = coalesce(accounts.erased_at, clock_timestamp()),
             suspended_at = clock_timestamp(), stripe_customer_id = null, checkout_session_id = null,
             deleted_customer_id = coalesce(accounts.stripe_customer_id, accounts.deleted_customer_id),
             billing_fence = accounts.billing_fence + 1, billing_written = accounts.billing_fence + 1
         from accounts before
         where accounts.id = $1 and before.id = $1
             and (accounts.stripe_customer_id is null or accounts.stripe_customer_id = $2)
         returning before.erased_at is null as is_first",
    );
    let closed = closed.bind::<SqlUuid, _>(account_id.0).bind::<Nullable<Text>, _>(customer_id);
    let row: Option<Row> = closed.get_result(conn).await.optional()?;
    Ok(row.map(|row| row.is_first))
}

/// Those at these people, and of these people, should they be operators.
async fn end_visits(conn: &mut Connection, people: &[Uuid]) -> StoreResult<()> {
    let event =
        NewAuditEvent { detail: "the account was erased", ..NewAuditEvent::new(AuditKind::VisitEnded) };
    for id in people.iter().copied().map(UserId) {
        visits::end(conn, Visits::To(id), event.clone()).await?;
        visits::end(conn, Visits::Of(id), event.clone()).await?;
    }
    Ok(())
}

/// What goes, but for conversations, in this order: a sign-in locks the identity before it writes the name.
const STATEMENTS: &[&str] = &[
    "delete from identities using users where users.id = identities.user_id and account_id = $1",
    "delete from sessions using users where users.id = sessions.user_id and account_id = $1",
    "delete from mail_links using users where users.id = mail_links.user_id and account_id = $1",
    "delete from mail_opt_outs using users where users.id = mail_opt_outs.user_id and account_id = $1",
    "update users set display_name = 'Deleted person', email = null, email_verified = false, is_operator = false
     where account_id = $1",
    "update api_keys set name = 'Erased key', revoked_at = coalesce(revoked_at, clock_timestamp())
     where account_id = $1",
    // Their causes have cards in them, too.
    "delete from notices where account_id = $1",
    "update subscriptions set unpaid_change_url = null, card_brand = null, card_last4 = null,
         card_expires_month = null, card_expires_year = null
     where account_id = $1",
    "update invoices set url = null, pdf_url = null where account_id = $1",
    "update purchases set receipt_url = null where account_id = $1",
    "update stripe_events set payload = '{}', error = null,
         processed_at = coalesce(processed_at, clock_timestamp())
     where customer_id = (select deleted_customer_id from accounts where id = $1)",
    "update generations set traceparent = null where account_id = $1 and traceparent is not null",
    "update audit_events set address = case when operator_id is not null then address end, reason = ''
     where user_id in (select id from users where account_id = $1)
         and (reason <> '' or (address is not null and operator_id is null))",
    "update audit_events set address = case when operator_id is not null then address end, reason = ''
     where account_id = $1 and (reason <> '' or (address is not null and operator_id is null))",
];
