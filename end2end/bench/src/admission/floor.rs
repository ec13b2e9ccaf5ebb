//! The least that a request takes: a script in Redis, and two transactions that write what has to be written.

use std::time::Instant;

use redis::aio::ConnectionManager;
use redis::{Client, Script};
use tokio::sync::{Mutex, MutexGuard, Semaphore};
use tokio_postgres::Statement;
use uuid::Uuid;

use super::Served;
use super::people::Person;
use crate::Result;
use crate::database::Database;

const SCRIPT: &str = "return redis.call('INCR', KEYS[1])";

/// What is set aside and charged, in nano-dollars.
const HELD: i64 = 1_000_000;
const CHARGED: i64 = 5_000;

/// The rows of a claim. Parameters: thread, account, message, generation, grant.
const CLAIM: &str = "
    with thread as (insert into threads (id, account_id, title) values ($1, $2, 'How are you?')),
    message as (insert into messages (id, thread_id, role, content) values ($3, $1, 'user', 'How are you?')),
    generation as (
        insert into generations (id, account_id, client_request_id, thread_id, parent_message_id, model,
            estimated_input_tokens) values ($4, $2, gen_random_uuid(), $1, $3, 'scripted', 10)),
    hold as (
        insert into holds (generation_id, account_id, amount_nanos, expires_at)
        values ($4, $2, $6, now() + interval '30 seconds'))
    insert into hold_allocations (generation_id, grant_id, amount_nanos) values ($4, $5, $6)";

/// The rows of a settlement. Parameters: thread, account, message, generation, grant, charge.
const SETTLE: &str = "
    with entry as (
        insert into ledger_entries (id, account_id, cause, amount_nanos)
        values (gen_random_uuid(), $2, 'generation:' || $4::uuid, -$6::bigint)),
    spent as (update grants set remaining_nanos = remaining_nanos - $6 where id = $5),
    released as (delete from hold_allocations where generation_id = $4),
    hold as (update holds set state = 'posted', resolved_at = now() where generation_id = $4 and state = 'pending'),
    usage as (
        insert into usage_records (generation_id, account_id, model, input_tokens, output_tokens, is_estimated,
            charged_nanos) values ($4, $2, 'scripted', 10, 5, false, $6)),
    attempt as (
        insert into generation_attempts (generation_id, number, route_key, started_at, duration_ms, outcome, cost_nanos)
        values ($4, 1, 'scripted-first', now(), 100, 'finished', 1)),
    generation as (update generations set state = 'finished', ended_at = now() where id = $4),
    thread as (update threads set updated_at = now() where id = $1)
    insert into messages (id, thread_id, parent_id, role, content, generation_id)
    values (gen_random_uuid(), $1, $3, 'assistant', 'Well, thank you.', $4)";

pub struct Floor {
    redis: ConnectionManager,
    script: Script,
    connections: Vec<Mutex<Connection>>,
    free: Semaphore,
}

struct Connection {
    database: Database,
    claim: Statement,
    settle: Statement,
}

impl Floor {
    pub async fn connect(database_url: &str, redis_url: &str, connections: u32) -> Result<Self> {
        let mut all = Vec::new();
        for _ in 0..connections {
            let database = Database::connect(database_url).await?;
            let claim = database.client().prepare(CLAIM).await?;
            let settle = database.client().prepare(SETTLE).await?;
            all.push(Mutex::new(Connection { database, claim, settle }));
        }
        Ok(Self {
            redis: Client::open(redis_url)?.get_connection_manager().await?,
            script: Script::new(SCRIPT),
            free: Semaphore::new(all.len()),
            connections: all,
        })
    }

    pub async fn serve(&self, person: &Person) -> Result<Served> {
        let [thread, message, generation] = [(); 3].map(|()| Uuid::now_v7());
        let Person { account_id, grant_id } = person;
        let begins = Instant::now();
        let mut redis = self.redis.clone();
        let key = format!("floor:{account_id}");
        self.script.key(key).invoke_async::<i64>(&mut redis).await?;
        self.run(
            |connection| &connection.claim,
            &[&thread, account_id, &message, &generation, grant_id, &HELD],
        )
        .await?;
        let admission = begins.elapsed();
        self.run(
            |connection| &connection.settle,
            &[&thread, account_id, &message, &generation, grant_id, &CHARGED],
        )
        .await?;
        Ok(Served { admission, settlement: begins.elapsed() - admission })
    }

    async fn run(
        &self,
        statement: impl Fn(&Connection) -> &Statement,
        parameters: &[&(dyn tokio_postgres::types::ToSql + Sync)],
    ) -> Result<()> {
        let _place = self.free.acquire().await?;
        let connection = self.free_connection()?;
        connection.database.client().execute(statement(&connection), parameters).await?;
        Ok(())
    }

    fn free_connection(&self) -> Result<MutexGuard<'_, Connection>> {
        let free = self.connections.iter().find_map(|connection| connection.try_lock().ok());
        free.ok_or_else(|| "a place was given without a connection".into())
    }
}
