//! An account's money as the database has it, in words that do not depend on when or where it was written.

use std::collections::{BTreeMap, BTreeSet};

use app::types::{AccountId, GenerationId};
use tokio_postgres::Row;

use crate::support::TestDatabase;

pub struct State {
    pub available: i64,
    pub held: i64,
    pub balance: i64,
    /// By cause.
    pub entries: BTreeMap<String, i64>,
    /// By cause.
    pub grants: BTreeMap<String, GrantState>,
    pub holds: BTreeMap<GenerationId, HoldState>,
}

impl State {
    /// Says only what is not as expected.
    pub fn assert_is(&self, expected: &Self, when: &str) {
        let (found, expected) = (self.lines(), expected.lines());
        let names: BTreeSet<_> = found.keys().chain(expected.keys()).collect();
        let differences: Vec<_> = names
            .into_iter()
            .filter(|name| found.get(*name) != expected.get(*name))
            .map(|name| format!("{name}: {:?} instead of {:?}", found.get(name), expected.get(name)))
            .collect();
        assert!(differences.is_empty(), "{differences:#?} {when}");
    }

    fn lines(&self) -> BTreeMap<String, String> {
        let Self { available, held, balance, entries, grants, holds } = self;
        let mut lines: BTreeMap<_, _> = [("available", available), ("held", held), ("balance", balance)]
            .map(|(name, amount)| (name.to_owned(), amount.to_string()))
            .into();
        lines.extend(entries.iter().map(|(cause, amount)| (format!("entry {cause}"), amount.to_string())));
        lines.extend(grants.iter().map(|(cause, grant)| (format!("grant {cause}"), format!("{grant:?}"))));
        lines.extend(holds.iter().map(|(id, hold)| (format!("hold {id}"), format!("{hold:?}"))));
        lines
    }
}

#[derive(Debug, PartialEq, Eq)]
pub struct GrantState {
    pub amount: i64,
    pub remaining: i64,
    pub reclaim: i64,
    pub taken_back: i64,
}

#[derive(Debug, PartialEq, Eq)]
pub struct HoldState {
    pub amount: i64,
    pub state: String,
    /// By the grant's cause.
    pub allocations: BTreeMap<String, i64>,
    /// By the receipt.
    pub charged: Option<i64>,
}

/// Names of grants by their ids: the cause as the machine says it. Causes in the database are unique among accounts.
struct Names(BTreeMap<String, String>);

impl Names {
    /// The running month's credit is called by how many months have ended.
    fn new(account_id: AccountId, grants: &[(String, String)]) -> Self {
        let ended = grants.iter().filter(|(_, cause)| cause.starts_with("month-")).count();
        let name = |cause: &str| match cause.starts_with("free:") {
            true => format!("month-{ended}"),
            false => local(account_id, cause),
        };
        Self(grants.iter().map(|(id, cause)| (id.clone(), name(cause))).collect())
    }

    /// The cause of an entry, which may tell of a grant by its id.
    fn entry(&self, account_id: AccountId, cause: &str) -> String {
        if cause.starts_with("free:") {
            return self.0.values().rfind(|name| name.starts_with("month-")).expect("one").clone();
        }
        let part = |part| self.0.get(part).map_or(part, String::as_str);
        local(account_id, cause).split(':').map(part).collect::<Vec<_>>().join(":")
    }
}

/// A cause of the machine as the database is told it.
pub fn global(account_id: AccountId, name: &str) -> String {
    format!("{name}@{account_id}")
}

pub fn local(account_id: AccountId, cause: &str) -> String {
    cause.replace(&format!("@{account_id}"), "")
}

/// Reads everything but what the product itself makes of it: `available` and `held` are given.
pub async fn read(database: &TestDatabase, account_id: AccountId, available: i64, held: i64) -> State {
    let of = format!("where account_id = '{account_id}'");
    let grants = format!(
        "select id::text, cause, amount_nanos, remaining_nanos, reclaim_nanos, taken_back_nanos
         from grants {of} order by id"
    );
    let entries = format!("select cause, amount_nanos from ledger_entries {of}");
    let holds = format!(
        "select generation_id::text, amount_nanos, state, charged_nanos
         from holds left join usage_records using (generation_id, account_id) {of}"
    );
    let allocations = format!(
        "select generation_id::text, grant_id::text, hold_allocations.amount_nanos
         from hold_allocations join holds using (generation_id) {of}"
    );
    let balance = format!("select posted_nanos from accounts where id = '{account_id}'");
    let (grants, entries, holds, allocations, balance) = tokio::join!(
        database.rows(&grants),
        database.rows(&entries),
        database.rows(&holds),
        database.rows(&allocations),
        database.number(&balance)
    );
    let causes: Vec<_> = grants.iter().map(|row| (row.get(0), row.get(1))).collect();
    let names = Names::new(account_id, &causes);
    let grant = |row: &Row| GrantState {
        amount: row.get(2),
        remaining: row.get(3),
        reclaim: row.get(4),
        taken_back: row.get(5),
    };
    let allocated = |hold: &str| {
        let rows = allocations.iter().filter(|row| row.get::<_, &str>(0) == hold);
        rows.map(|row| (names.0[row.get::<_, &str>(1)].clone(), row.get(2))).collect()
    };
    let hold = |row: &Row| HoldState {
        amount: row.get(1),
        state: row.get(2),
        allocations: allocated(row.get(0)),
        charged: row.get(3),
    };
    State {
        available,
        held,
        balance,
        entries: entries.iter().map(|row| (names.entry(account_id, row.get(0)), row.get(1))).collect(),
        grants: grants.iter().map(|row| (names.0[row.get::<_, &str>(0)].clone(), grant(row))).collect(),
        holds: holds.iter().map(|row| (row.get::<_, &str>(0).parse().expect("an id"), hold(row))).collect(),
    }
}
