//! What was charged and what is set aside, summed for caps.

use std::collections::HashMap;

use app::types::{AccountId, Nanos, ThreadId};
use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::clock::clock_timestamp;
use super::schema::{account_months, api_keys, generations, holds, usage_records};
use super::{Connection, StoreResult};
use crate::books::month_of;

/// What something has cost, and what is set aside for its replies in progress.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spending {
    pub used: Nanos,
    pub held: Nanos,
}

/// PostgreSQL sums `bigint` as `numeric`; no sum of ours is that large.
const CHARGED: &str = "coalesce(sum(charged_nanos), 0)::bigint";
/// What is free for people may cost us something.
const SPENT: &str = "coalesce(sum(greatest(charged_nanos, cost_nanos)), 0)::bigint";
const HELD: &str = "coalesce(sum(amount_nanos), 0)::bigint";

/// What an account was charged in the month of this time.
pub(super) async fn charged_in_month(
    mut conn: &Connection,
    account_id: AccountId,
    at: DateTime<Utc>,
) -> QueryResult<Nanos> {
    let charged: Option<i64> = account_months::table
        .find((account_id.0, month_of(at).date_naive()))
        .select(account_months::charged_nanos)
        .first(&mut conn)
        .await
        .optional()?;
    Ok(Nanos(charged.unwrap_or_default()))
}

/// Of each conversation, in one round trip.
pub(super) async fn of_threads(
    conn: &Connection,
    threads: &[ThreadId],
) -> QueryResult<HashMap<ThreadId, Spending>> {
    let ids: Vec<Uuid> = threads.iter().map(|id| id.0).collect();
    let (mut of_charges, mut of_holds) = (conn, conn);
    let charged = usage_records::table
        .inner_join(generations::table)
        .filter(generations::thread_id.eq_any(ids.clone()))
        .group_by(generations::thread_id)
        .select((generations::thread_id, sql::<BigInt>(CHARGED)))
        .load::<(Uuid, i64)>(&mut of_charges);
    let held = holds::table
        .inner_join(generations::table)
        .filter(generations::thread_id.eq_any(ids))
        .filter(holds::state.eq("pending"))
        .filter(holds::expires_at.gt(clock_timestamp()))
        .group_by(generations::thread_id)
        .select((generations::thread_id, sql::<BigInt>(HELD)))
        .load::<(Uuid, i64)>(&mut of_holds);
    let (charged, held) = futures::try_join!(charged, held)?;
    let mut spending: HashMap<_, Spending> = HashMap::new();
    for (id, amount) in charged {
        spending.entry(ThreadId(id)).or_default().used = Nanos(amount);
    }
    for (id, amount) in held {
        spending.entry(ThreadId(id)).or_default().held = Nanos(amount);
    }
    Ok(spending)
}

/// Of an API key, with the id of its thread. What it was charged is kept, however much it was used; what it holds is found
/// among the few pending holds of its account.
pub(super) async fn of_key(conn: &Connection, account_id: AccountId, id: ThreadId) -> QueryResult<Spending> {
    let (mut of_key, mut of_holds) = (conn, conn);
    let used = api_keys::table.find(id.0).select(api_keys::charged_nanos).first::<i64>(&mut of_key);
    let held = holds::table
        .inner_join(generations::table)
        .filter(holds::account_id.eq(account_id.0))
        .filter(holds::state.eq("pending"))
        .filter(holds::expires_at.gt(clock_timestamp()))
        .filter(generations::thread_id.eq(id.0))
        .select(sql::<BigInt>(HELD))
        .get_result::<i64>(&mut of_holds);
    let (used, held) = futures::try_join!(used, held)?;
    Ok(Spending { used: Nanos(used), held: Nanos(held) })
}

/// What the replies of all people together have cost today, in UTC: what is charged for each, or more if we pay more.
#[derive(Clone, Copy, Debug, QueryableByName)]
pub struct Today {
    #[diesel(sql_type = BigInt)]
    spent_nanos: i64,
    #[diesel(sql_type = BigInt)]
    held_nanos: i64,
    /// Until the next day.
    #[diesel(sql_type = Integer)]
    pub seconds_left: i32,
}

impl Today {
    pub fn spending(&self) -> Spending {
        Spending { used: Nanos(self.spent_nanos), held: Nanos(self.held_nanos) }
    }
}

pub async fn read_today(conn: &mut Connection) -> StoreResult<Today> {
    let query = format!(
        "select (select {SPENT} from usage_records where created_at >= day.began) as spent_nanos, \
                (select {HELD} from holds where state = 'pending' and expires_at > clock_timestamp()) as held_nanos, \
                ceil(extract(epoch from day.began + interval '1 day' - clock_timestamp()))::integer as seconds_left \
         from (select date_trunc('day', clock_timestamp(), 'UTC') as began) day"
    );
    Ok(diesel::sql_query(query).get_result(conn).await?)
}
