//! What must hold of the money at every moment, each as a query for what breaks it. Reads only; never repairs.

use std::fmt;
use std::time::Duration;

use diesel_async::RunQueryDsl;

use super::{Connection, StoreResult, allow_long_statements};

/// One thing that must hold.
#[derive(Debug)]
pub struct Invariant {
    /// As it is reported, documented and looked up.
    pub name: &'static str,
    /// What breaks it: one, and several.
    subject: [&'static str; 2],
    /// Selects one text column, `subject`: a row for each that breaks it.
    broken_by: &'static str,
}

/// What a check found of one invariant.
#[derive(Clone, Debug)]
pub struct Finding {
    pub invariant: &'static Invariant,
    /// How many break it.
    pub count: i64,
    /// The smallest id (or cause) of them; ids grow with time, so usually the oldest.
    pub first: Option<String>,
}

impl Finding {
    pub fn holds(&self) -> bool {
        self.count == 0
    }
}

/// `ok   balance-equals-entries`, or `FAIL balance-equals-entries: 2 accounts, first 0193…`.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Invariant { name, subject, .. } = self.invariant;
        let Some(first) = &self.first else { return write!(f, "ok   {name}") };
        let subject = if self.count == 1 { subject[0] } else { subject[1] };
        write!(f, "FAIL {name}: {} {subject}, first {first}", self.count)
    }
}

/// A million replies need seconds; a check that needs longer than this has a fault.
const LONGEST_QUERY: Duration = Duration::from_secs(600);

/// Checks every invariant against one snapshot, so that replies which go on meanwhile raise no false alarm.
pub async fn check(conn: &mut Connection) -> StoreResult<Vec<Finding>> {
    conn.build_transaction()
        .read_only()
        .repeatable_read()
        .run(async |conn| {
            allow_long_statements(conn, LONGEST_QUERY).await?;
            let mut findings = Vec::with_capacity(INVARIANTS.len());
            for invariant in &INVARIANTS {
                findings.push(find(conn, invariant).await?);
            }
            Ok(findings)
        })
        .await
}

async fn find(conn: &mut Connection, invariant: &'static Invariant) -> StoreResult<Finding> {
    let sql =
        format!("select count(*) as count, min(subject) as first from ({}) broken", invariant.broken_by);
    let Broken { count, first } = diesel::sql_query(sql).get_result(conn).await?;
    Ok(Finding { invariant, count, first })
}

#[derive(diesel::QueryableByName)]
struct Broken {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
    #[diesel(sql_type = diesel::sql_types::Nullable<diesel::sql_types::Text>)]
    first: Option<String>,
}

/// In the order of the report. What each means, and what to do when it fails: docs/operating.md.
pub const INVARIANTS: [Invariant; 22] = [
    Invariant {
        name: "balance-equals-entries",
        subject: ["account", "accounts"],
        broken_by: "
            select accounts.id::text as subject
            from accounts left join (
                select account_id, sum(amount_nanos) as posted from ledger_entries group by account_id
            ) entries on entries.account_id = accounts.id
            where accounts.posted_nanos <> coalesce(entries.posted, 0)",
    },
    Invariant {
        name: "nothing-is-posted-twice",
        subject: ["cause", "causes"],
        // The second part: a reply has two causes at most, its charge and one late correction.
        broken_by: "
            select cause as subject from ledger_entries group by cause having count(*) > 1
            union all
            select cause from ledger_entries
            where cause like 'generation:%' and cause !~ '^generation:[^:]+(:late)?$'",
    },
    Invariant {
        name: "charges-equal-postings",
        subject: ["reply", "replies"],
        broken_by: "
            select usage_records.generation_id::text as subject
            from usage_records left join (
                select account_id, split_part(cause, ':', 2) as generation_id, sum(amount_nanos) as posted
                from ledger_entries
                where cause like 'generation:%' and split_part(cause, ':', 3) in ('', 'late')
                group by 1, 2
            ) entries
                on entries.generation_id = usage_records.generation_id::text
                and entries.account_id = usage_records.account_id
            where usage_records.charged_nanos <> -coalesce(entries.posted, 0)",
    },
    Invariant {
        name: "months-equal-charges",
        subject: ["account", "accounts"],
        broken_by: "
            select coalesce(account_months.account_id, charges.account_id)::text as subject
            from account_months full join (
                select account_id, date_trunc('month', created_at at time zone 'UTC')::date as month,
                    sum(charged_nanos) as charged
                from usage_records group by 1, 2
            ) charges using (account_id, month)
            where coalesce(account_months.charged_nanos, 0) <> coalesce(charges.charged, 0)",
    },
    Invariant {
        name: "keys-equal-charges",
        subject: ["key", "keys"],
        broken_by: "
            select api_keys.id::text as subject
            from api_keys left join (
                select generations.thread_id, sum(usage_records.charged_nanos) as charged
                from generations join usage_records on usage_records.generation_id = generations.id
                where generations.thread_id in (select id from api_keys)
                group by 1
            ) charges on charges.thread_id = api_keys.id
            where api_keys.charged_nanos <> coalesce(charges.charged, 0)",
    },
    Invariant {
        name: "postings-have-a-usage-record",
        subject: ["cause", "causes"],
        broken_by: "
            select cause as subject from ledger_entries
            where cause like 'generation:%' and not exists (
                select from usage_records
                where usage_records.generation_id::text = split_part(ledger_entries.cause, ':', 2)
            )",
    },
    Invariant {
        name: "ended-replies-have-a-usage-record",
        subject: ["reply", "replies"],
        broken_by: "
            select generations.id::text as subject
            from generations left join usage_records on usage_records.generation_id = generations.id
            where (generations.state = 'streaming') <> (usage_records.generation_id is null)",
    },
    Invariant {
        name: "ended-replies-have-a-resolved-hold",
        subject: ["reply", "replies"],
        broken_by: "
            select generations.id::text as subject
            from generations left join holds on holds.generation_id = generations.id
            where generations.state <> 'streaming' and coalesce(holds.state, 'pending') = 'pending'",
    },
    Invariant {
        name: "streaming-replies-have-a-pending-hold",
        subject: ["reply", "replies"],
        broken_by: "
            select generations.id::text as subject
            from generations left join holds on holds.generation_id = generations.id
            where generations.state = 'streaming' and holds.state is distinct from 'pending'",
    },
    Invariant {
        name: "expired-holds-are-swept",
        subject: ["hold", "holds"],
        broken_by: "
            select generation_id::text as subject from holds
            where state = 'pending' and expires_at < now() - interval '5 minutes'",
    },
    Invariant {
        name: "attempts-cost-what-records-say",
        subject: ["reply", "replies"],
        broken_by: "
            select usage_records.generation_id::text as subject
            from usage_records left join (
                select generation_id, sum(cost_nanos) as cost from generation_attempts group by generation_id
            ) attempts on attempts.generation_id = usage_records.generation_id
            where usage_records.cost_nanos <> coalesce(attempts.cost, 0)",
    },
    Invariant {
        name: "grants-are-posted",
        subject: ["grant", "grants"],
        broken_by: "
            select grants.id::text as subject
            from grants left join ledger_entries
                on ledger_entries.cause = grants.cause and ledger_entries.account_id = grants.account_id
            where ledger_entries.amount_nanos is distinct from grants.amount_nanos",
    },
    Invariant {
        name: "grants-are-not-overspent",
        subject: ["grant", "grants"],
        broken_by: "
            select id::text as subject from grants where remaining_nanos not between 0 and amount_nanos",
    },
    Invariant {
        name: "reclaims-fit-their-grants",
        subject: ["grant", "grants"],
        broken_by: "
            select id::text as subject from grants where reclaim_nanos not between 0 and remaining_nanos",
    },
    Invariant {
        name: "taken-back-credit-stays-away",
        subject: ["grant", "grants"],
        broken_by: "
            select id::text as subject from grants
            where taken_back_nanos > 0 and remaining_nanos - reclaim_nanos > amount_nanos - taken_back_nanos",
    },
    Invariant {
        name: "allocations-fit-their-grants",
        subject: ["grant", "grants"],
        // Also of holds that have expired: what nobody has released yet, nobody has spent.
        broken_by: "
            select grants.id::text as subject
            from grants join (
                select grant_id, sum(amount_nanos) as allocated from hold_allocations group by grant_id
            ) allocations on allocations.grant_id = grants.id
            where allocations.allocated > grants.remaining_nanos",
    },
    Invariant {
        name: "allocations-end-with-their-hold",
        subject: ["hold", "holds"],
        broken_by: "
            select generation_id::text as subject
            from holds join hold_allocations using (generation_id)
            where holds.state <> 'pending'
            group by generation_id",
    },
    Invariant {
        name: "credit-is-in-grants",
        subject: ["account", "accounts"],
        broken_by: "
            select accounts.id::text as subject
            from accounts left join (
                select account_id, sum(remaining_nanos) as remaining from grants group by account_id
            ) grants on grants.account_id = accounts.id
            where accounts.posted_nanos > coalesce(grants.remaining, 0)",
    },
    Invariant {
        name: "deficits-are-paid-first",
        subject: ["account", "accounts"],
        broken_by: "
            select accounts.id::text as subject
            from accounts join (
                select account_id, sum(remaining_nanos) as remaining,
                    sum(remaining_nanos - coalesce(allocated, 0))
                        filter (where expires_at is null or expires_at > now()) as free
                from grants left join (
                    select grant_id, sum(amount_nanos) as allocated from hold_allocations group by grant_id
                ) allocations on allocations.grant_id = grants.id
                group by account_id
            ) grants on grants.account_id = accounts.id
            where grants.remaining > accounts.posted_nanos and grants.free > 0",
    },
    Invariant {
        name: "overage-is-metered-once",
        subject: ["entry", "entries"],
        // The second part: what is metered is in the ledger, and pays for no more than its reply cost.
        broken_by: "
            select ledger_entries.cause as subject
            from ledger_entries left join meter_events using (id, account_id)
            where cause like 'overage:%'
                and ledger_entries.amount_nanos is distinct from meter_events.amount_nanos
            union all
            select ledger_entries.cause
            from meter_events join ledger_entries using (id)
                left join ledger_entries charges
                    on charges.cause = replace(ledger_entries.cause, 'overage:', 'generation:')
            where ledger_entries.cause not like 'overage:%'
                or coalesce(-charges.amount_nanos, 0) < meter_events.amount_nanos",
    },
    Invariant {
        name: "overage-keeps-to-its-limit",
        subject: ["account", "accounts"],
        broken_by: "
            select account_id::text as subject from meter_events
            group by account_id, period_start
            having sum(amount_nanos) > max(limit_nanos)",
    },
    Invariant {
        name: "overage-adds-up",
        subject: ["account", "accounts"],
        broken_by: "
            select account_id::text as subject
            from overages left join (
                select account_id, sum(amount_nanos) as total, sum(units) as units from meter_events group by 1
            ) events using (account_id)
            where total_nanos <> coalesce(events.total, 0) or div(total_nanos, 1000) <> coalesce(events.units, 0)",
    },
];
