//! What decides about an account's money, read in one statement: the same moment for all of it, and its version, so that
//! what is decided is written only while nothing of it has changed. Whoever has written knows what it became, so the next
//! change needs no reading as long as nobody else was there.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use app::types::{AccountId, ClientRequestId, GenerationId, Nanos, ThreadId};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::Connection;
use super::accounts::{AccountPlanRow, DecidedRow, DunningRow, OverrideRow};
use super::caps::Applying;
use super::overage::{OverageRow, PeriodRow, to_overage};
use super::plan_overrides::PlanOverrideRow;
use super::prepared::Prepared;
use super::usage::UsageState;
use crate::books::{Allocation, Books, Grant, Hold, Overage};
use crate::caps::OwnCap;

/// An account's books at a moment, with what was asked about besides.
pub struct Snapshot {
    account_id: AccountId,
    plan: AccountPlanRow,
    /// By the database's clock, and when that was by ours, which only says how long ago it is.
    pub(super) at: DateTime<Utc>,
    read_at: Instant,
    /// Grows with every change; see [`super::ledger::lock`].
    pub(super) version: i64,
    /// The balance as it is kept.
    pub(super) posted: Nanos,
    /// Those that live or have something left, but for spent ones without an end that nothing can come back to.
    pub(super) grants: Vec<Grant>,
    /// The pending ones.
    pub(super) holds: Vec<Hold>,
    /// Pay as you go.
    pub(super) overage: Overage,
    pub(super) caps: Applying,
    existing: Option<GenerationId>,
    /// How far a reply is settled. None: not at all.
    pub(super) usage: Option<UsageState>,
}

/// What is asked about besides the books.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct About {
    /// Its cap.
    pub(super) thread: Option<ThreadId>,
    /// Its generation.
    pub(super) request: Option<ClientRequestId>,
    /// How far it is settled.
    pub(super) reply: Option<GenerationId>,
}

/// A row for each thing, with its kind, and columns that mean something else for each; one without a kind when there is
/// nothing. A grant that is spent still says that it was given, and may get something back, for as long as it lives at
/// `at`: it is chosen by `now()`, which is before that. One that never ends is spent for good some time after it last
/// changed, unless a dispute may yet give back what it took: people buy ever more of them.
const READ: &str = "
    select clock.at, books_version, posted_nanos, accounts.plan, suspended_at, grace_until, status, past_due_since,
        grace_ends_at, credit_resets_at, requests_per_minute, requests_per_day, tokens_per_minute, concurrent_replies,
        limit_overrides.ends_at, plan_overrides.plan, plan_overrides.ends_at, period_start,
        metered_item_id is not null, item.*
    from accounts
    cross join (select clock_timestamp() as at offset 0) as clock
    left join subscriptions on subscriptions.account_id = accounts.id
    left join limit_overrides on limit_overrides.account_id = accounts.id
    left join plan_overrides on plan_overrides.account_id = accounts.id
    left join lateral (
        select 'grant' as kind, id, cause as text, amount_nanos as amount, remaining_nanos as remaining,
            reclaim_nanos as reclaim, taken_back_nanos as taken_back, expires_at as time, null::uuid as of_grant,
            false as flag, coalesce(opening_nanos, amount_nanos - taken_back_nanos) as opening,
            coalesce(opened_at, created_at) as opened_at
        from grants
        where account_id = accounts.id and (remaining_nanos > 0 or expires_at > now() or expires_at is null
            and (taken_back_nanos > 0 or coalesce(opened_at, created_at) > now() - interval '2 months'))
        union all
        select 'hold', generation_id, null, holds.amount_nanos, hold_allocations.amount_nanos, overage_nanos, null,
            expires_at, grant_id, false, null, null
        from holds left join hold_allocations using (generation_id)
        where account_id = accounts.id and state = 'pending'
        union all
        select 'cap', thread_id, null, limit_nanos, null, null, null, null, null, is_hard, null, null
        from spending_caps
        where account_id = accounts.id and (thread_id is null or thread_id = $)
        union all
        select 'overage', null, null, cap_nanos, used_nanos, null, total_nanos, overages.period_start, null, false, null,
            null
        from overages
        where account_id = accounts.id";

const REQUEST: &str = "
        union all
        select 'request', id, null, null, null, null, null, null, null, false, null, null
        from generations
        where account_id = accounts.id and client_request_id = $";

const REPLY: &str = "
        union all
        select 'usage', generation_id, null, charged_nanos, null, null, null, created_at, null, is_provisional, null, null
        from usage_records
        where generation_id = $";

const OF_ACCOUNT: &str = "
    ) as item on true
    where accounts.id = $";

type AccountColumns = (
    Timestamptz,
    BigInt,
    BigInt,
    (Text, Nullable<Timestamptz>, Nullable<Timestamptz>),
    Nullable<(Text, Nullable<Timestamptz>, Nullable<Timestamptz>, Nullable<Timestamptz>)>,
    Nullable<(Nullable<Integer>, Nullable<Integer>, Nullable<Integer>, Nullable<Integer>, Timestamptz)>,
    Nullable<(Text, Timestamptz)>,
    Nullable<Timestamptz>,
    Bool,
);

/// The same in every row.
#[derive(Queryable)]
struct AccountRow {
    at: DateTime<Utc>,
    version: i64,
    posted: i64,
    decided: DecidedRow,
    dunning: Option<DunningRow>,
    limits: Option<OverrideRow>,
    plan_override: Option<PlanOverrideRow>,
    period_start: Option<DateTime<Utc>>,
    is_metered: bool,
}

type ItemColumns = (
    Nullable<Text>,
    Nullable<SqlUuid>,
    Nullable<Text>,
    Nullable<BigInt>,
    Nullable<BigInt>,
    Nullable<BigInt>,
    Nullable<BigInt>,
    Nullable<Timestamptz>,
    Nullable<SqlUuid>,
    Nullable<Bool>,
    Nullable<BigInt>,
    Nullable<Timestamptz>,
);

#[derive(Queryable)]
struct Row {
    kind: Option<String>,
    id: Option<Uuid>,
    text: Option<String>,
    amount: Option<i64>,
    remaining: Option<i64>,
    reclaim: Option<i64>,
    taken_back: Option<i64>,
    time: Option<DateTime<Utc>>,
    of_grant: Option<Uuid>,
    flag: Option<bool>,
    opening: Option<i64>,
    opened_at: Option<DateTime<Utc>>,
}

/// In one round trip. Not found: there is no such account.
pub(super) async fn read(
    mut conn: &Connection,
    account_id: AccountId,
    about: About,
) -> QueryResult<Snapshot> {
    let mut statement = Prepared::<(AccountColumns, ItemColumns)>::new()
        .sql(READ)
        .bind::<Nullable<SqlUuid>, _>(about.thread.map(|id| id.0));
    if let Some(id) = about.request {
        statement = statement.sql(REQUEST).bind::<SqlUuid, _>(id.0);
    }
    if let Some(id) = about.reply {
        statement = statement.sql(REPLY).bind::<SqlUuid, _>(id.0);
    }
    let statement = statement.sql(OF_ACCOUNT).bind::<SqlUuid, _>(account_id.0);
    let rows: Vec<(AccountRow, Row)> = statement.load(&mut conn).await?;
    let mut account = None;
    let items = rows.into_iter().map(|(of_account, item)| {
        account.get_or_insert(of_account);
        item
    });
    let items: Vec<_> = items.collect();
    let account = account.ok_or(diesel::NotFound)?;
    let period = account.period();
    let mut snapshot = Snapshot {
        account_id,
        at: account.at,
        read_at: Instant::now(),
        version: account.version,
        posted: Nanos(account.posted),
        plan: account.into_plan(),
        grants: Vec::new(),
        holds: Vec::new(),
        overage: Overage::default(),
        caps: Applying::default(),
        existing: None,
        usage: None,
    };
    let mut others = Others::default();
    for item in items {
        snapshot.add(item, &mut others);
    }
    snapshot.holds = others.holds.into_values().collect();
    snapshot.overage = to_overage(others.overage, period);
    Ok(snapshot)
}

/// What only several rows say together.
#[derive(Default)]
struct Others {
    holds: BTreeMap<Uuid, Hold>,
    overage: Option<OverageRow>,
}

impl Snapshot {
    /// What the account may use.
    pub fn plan(&self) -> &AccountPlanRow {
        &self.plan
    }

    /// The generation that the request asked about has already.
    pub fn existing(&self) -> Option<GenerationId> {
        self.existing
    }

    /// As they are by now.
    pub(super) fn books(&self) -> Books {
        let at = self.now();
        let period = self.plan.period_start(at);
        let grants = self.grants.iter().cloned().map(|grant| grant.in_period(period)).collect();
        Books::open(self.account_id, at, self.posted, grants, self.holds.clone()).with_overage(self.overage)
    }

    fn now(&self) -> DateTime<Utc> {
        self.at + TimeDelta::from_std(self.read_at.elapsed()).unwrap_or_default()
    }

    /// What it is once these books are written, with nothing else of the account. Nothing is asked about any more.
    pub(super) fn changed(&mut self, books: &Books) {
        (self.existing, self.usage) = (None, None);
        self.version += 1;
        self.posted = books.balance();
        self.grants = books.grants().to_vec();
        self.holds = books.holds().to_vec();
    }

    /// What it is once a hold of it counts for `hold_ttl` from now on. None: something else has changed as well.
    pub(super) fn renewed(
        mut self,
        id: GenerationId,
        version: i64,
        expires_at: DateTime<Utc>,
        hold_ttl: Duration,
    ) -> Option<Self> {
        self.version += 1;
        self.holds.iter_mut().find(|hold| hold.id == id)?.expires_at = expires_at;
        (self.at, self.read_at) = (expires_at - hold_ttl, Instant::now());
        (self.version == version).then_some(self)
    }

    pub(super) fn has_hold(&self, id: GenerationId) -> bool {
        self.holds.iter().any(|hold| hold.id == id)
    }

    fn add(&mut self, row: Row, others: &mut Others) {
        let id = row.id.unwrap_or_default();
        match row.kind.as_deref() {
            Some("grant") => {
                let grant = row.into_grant(id);
                if grant.is_live(self.at) || grant.remaining > Nanos::ZERO {
                    self.grants.push(grant);
                }
            }
            Some("hold") => {
                let hold = others.holds.entry(id).or_insert_with(|| row.hold(id));
                hold.allocations.extend(row.allocation());
            }
            Some("cap") => match row.id {
                None => self.caps.monthly = Some(row.cap()),
                Some(_) => self.caps.thread = Some(row.cap()),
            },
            Some("overage") => others.overage = Some(row.overage()),
            Some("request") => self.existing = Some(GenerationId(id)),
            Some("usage") => self.usage = Some(row.usage()),
            _ => {}
        }
    }
}

impl AccountRow {
    fn period(&self) -> Option<PeriodRow> {
        Some(PeriodRow {
            status: self.dunning.as_ref()?.status.clone(),
            period_start: self.period_start?,
            is_metered: self.is_metered,
        })
    }

    fn into_plan(self) -> AccountPlanRow {
        AccountPlanRow::new(self.decided, self.dunning, self.limits, self.plan_override, self.at)
    }
}

impl Row {
    fn into_grant(self, id: Uuid) -> Grant {
        let remaining = nanos(self.remaining);
        Grant {
            id,
            cause: self.text.unwrap_or_default(),
            amount: nanos(self.amount),
            remaining,
            reclaim: nanos(self.reclaim),
            taken_back: nanos(self.taken_back),
            // A version that does not write it may have given something back.
            opening: nanos(self.opening).max(remaining),
            opened_at: self.opened_at.unwrap_or_default(),
            expires_at: self.time,
        }
    }

    /// A row for each allocation, and one for a hold without any.
    fn hold(&self, id: Uuid) -> Hold {
        Hold {
            id: GenerationId(id),
            amount: nanos(self.amount),
            overage: nanos(self.reclaim),
            expires_at: self.time.unwrap_or_default(),
            allocations: Vec::new(),
        }
    }

    fn allocation(&self) -> Option<Allocation> {
        Some(Allocation { grant_id: self.of_grant?, amount: nanos(self.remaining) })
    }

    fn cap(&self) -> OwnCap {
        OwnCap { limit: self.amount.map(Nanos), is_hard: self.flag.unwrap_or_default() }
    }

    fn overage(&self) -> OverageRow {
        OverageRow {
            cap: self.amount.map(Nanos),
            period_start: self.time,
            used: nanos(self.remaining),
            total: nanos(self.taken_back),
        }
    }

    fn usage(&self) -> UsageState {
        match self.flag {
            Some(true) => UsageState::Provisional {
                charged: nanos(self.amount),
                charged_at: self.time.unwrap_or_default(),
            },
            _ => UsageState::Final,
        }
    }
}

fn nanos(amount: Option<i64>) -> Nanos {
    Nanos(amount.unwrap_or_default())
}
