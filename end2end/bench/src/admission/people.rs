//! Accounts with a session and this month's credit.

use std::fmt;

use rand::seq::IndexedRandom;
use uuid::Uuid;

use crate::Result;
use crate::database::Database;

/// Much more than a benchmark spends, in nano-dollars.
const CREDIT: i64 = 1_000_000_000_000;

/// Rows as the product writes them, with tokens that are known here.
const ARRIVE: &str = "
    with numbers as (
        select n, gen_random_uuid() as account, gen_random_uuid() as person, gen_random_uuid() as grant_id
        from generate_series(1, $1::bigint) as n),
    account_rows as (insert into accounts (id, plan) select account, 'free' from numbers),
    people as (insert into users (id, account_id, display_name) select person, account, 'Somebody' from numbers),
    session_rows as (
        insert into sessions (id, token_hash, user_id, user_agent, expires_at)
        select gen_random_uuid(), sha256(convert_to('bench-' || account, 'UTF8')), person, 'bench', now() + interval '1 day'
        from numbers),
    grant_rows as (
        insert into grants (id, account_id, cause, amount_nanos, remaining_nanos, expires_at)
        select grant_id, account, 'free:' || account || ':' || to_char(now() at time zone 'UTC', 'YYYY-MM'), $2, $2,
            (date_trunc('month', now() at time zone 'UTC') + interval '1 month') at time zone 'UTC'
        from numbers)
    select account, grant_id from numbers";

/// Their credit, posted: apart, because the balance is moved by a trigger that needs the account's row.
const POST: &str = "
    insert into ledger_entries (id, account_id, cause, amount_nanos)
    select gen_random_uuid(), account_id, cause, amount_nanos from grants where account_id = any($1)";

/// Somebody who asks.
#[derive(Clone, Debug)]
pub struct Person {
    pub account_id: Uuid,
    pub grant_id: Uuid,
}

impl Person {
    pub fn session_token(&self) -> String {
        format!("bench-{}", self.account_id)
    }
}

/// Whose requests they are.
#[derive(Clone, Copy, Debug)]
pub enum Crowd {
    Many,
    Hot,
}

impl fmt::Display for Crowd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Many => "many",
            Self::Hot => "hot",
        })
    }
}

pub struct People {
    database: Database,
    all: Vec<Person>,
    fsync: String,
}

impl People {
    pub async fn arrive(database_url: &str, count: u32) -> Result<Self> {
        let database = Database::connect(database_url).await?;
        let rows = database.client().query(ARRIVE, &[&i64::from(count), &CREDIT]).await?;
        let all: Vec<_> =
            rows.iter().map(|row| Person { account_id: row.get(0), grant_id: row.get(1) }).collect();
        let accounts: Vec<Uuid> = all.iter().map(|person| person.account_id).collect();
        database.client().execute(POST, &[&accounts]).await?;
        let fsync = database.client().query_one("show fsync", &[]).await?.get(0);
        Ok(Self { database, all, fsync })
    }

    /// What autovacuum does from time to time, so that no round is measured with the plans of empty tables.
    pub async fn vacuum(&self) -> Result<()> {
        Ok(self.database.client().batch_execute("vacuum analyze").await?)
    }

    /// Whether PostgreSQL waits for the disk: `on` or `off`.
    pub fn fsync(&self) -> &str {
        &self.fsync
    }

    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Who asks next.
    pub fn pick(&self, crowd: Crowd) -> Result<&Person> {
        let person = match crowd {
            Crowd::Many => self.all.choose(&mut rand::rng()),
            Crowd::Hot => self.all.first(),
        };
        person.ok_or_else(|| "there is nobody: --accounts must not be 0".into())
    }
}
