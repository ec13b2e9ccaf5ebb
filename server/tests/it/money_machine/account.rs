//! One account of the machine: carries out commands through the store, as the product does.

use std::sync::{Mutex, MutexGuard};

use app::types::{
    AccountId, AttemptOutcome, ClientRequestId, GenerationId, Message, MessageId, ModelPrices, Nanos,
    ReplyState, Role, Thread, ThreadId,
};
use chrono::{DateTime, Utc};
use server::books::Cause;
use server::caps::{PlanCaps, Shortage};
use server::output::Output;
use server::pricing::{HoldRequest, TokenUsage};
use server::store::claims::{self, Claim, NewGeneration};
use server::store::ledger;
use server::store::recovery::{self, Checkpoint, Kept};
use server::store::settlements::{self, Posted, Settlement};
use server::store::snapshot::Snapshot;
use server::store::{Attempt, Connection, Db};
use uuid::Uuid;

use super::command::Command;
use super::known::Known;
use super::model::Model;
use super::state::{self, State, global};
use super::step::{Outcome, Step};
use super::time::{self, DAY};
use crate::support::TestDatabase;

/// The plan's credit for a month.
const MONTHLY: i64 = 60;

/// A token costs a nano-dollar.
const PRICES: ModelPrices =
    ModelPrices { input: Nanos::ZERO, cached_input: Nanos::ZERO, output: Nanos(1_000_000) };

pub const MODEL: &str = "machine";

/// What the store needs to know of a model.
pub const MODEL_ROWS: &str = "
    insert into models
        (key, name, description, context_tokens, max_output_tokens, min_output_tokens, position)
        values ('machine', 'Machine', '', 1000, 1000, 1, 100);
    insert into model_prices
        (model_key, version, input_nanos_per_million, cached_input_nanos_per_million, output_nanos_per_million)
        values ('machine', 1, 0, 0, 1000000);";

pub struct Account {
    pub id: AccountId,
    pub month_ends_at: DateTime<Utc>,
    db: Db,
    thread: Thread,
    prompt: Message,
    known: Mutex<Known>,
    /// As a process remembers it. Commands that run at once take it from each other.
    seen: Mutex<Option<Snapshot>>,
}

impl Account {
    pub async fn create(database: &TestDatabase, db: Db) -> Self {
        let (id, thread_id, prompt_id) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
        let rows = format!(
            "insert into accounts (id, plan) values ('{id}', 'free');
             insert into threads (id, account_id, title) values ('{thread_id}', '{id}', '');
             insert into messages (id, thread_id, role, content) values ('{prompt_id}', '{thread_id}', 'user', '')"
        );
        database.execute(&rows).await;
        let id = AccountId(id);
        let mut conn = db.get().await.expect("a connection");
        let credit = ledger::read_credit(&mut conn, id, Nanos(MONTHLY), None).await.expect("credit");
        drop(conn);
        let now = Utc::now();
        Self {
            id,
            month_ends_at: credit.resets_at,
            db,
            thread: Thread { id: ThreadId(thread_id), title: String::new(), updated_at: now },
            prompt: Message::new(MessageId(prompt_id), None, Role::User, "", now),
            known: Mutex::default(),
            seen: Mutex::default(),
        }
    }

    pub fn model(&self) -> Model {
        Model::new(MONTHLY, self.month_ends_at)
    }

    pub async fn state(&self, database: &TestDatabase) -> State {
        let mut conn = self.db.get().await.expect("a connection");
        let credit = ledger::read_credit(&mut conn, self.id, Nanos(MONTHLY), None).await.expect("credit");
        drop(conn);
        state::read(database, self.id, credit.available.0, credit.held.0).await
    }

    /// What the command came to: nothing when there is nothing yet it could be about.
    pub async fn run(&self, command: &Command) -> Vec<(Step, Outcome)> {
        if let Command::Sweep { charged } = command {
            return self.sweep(*charged).await;
        }
        let Some(step) = self.known().step(command) else { return Vec::new() };
        self.carry_out(step).await.into_iter().collect()
    }

    /// Ends every reply, as their processes would.
    pub async fn settle_all(&self) -> Vec<(Step, Outcome)> {
        let ids = self.known().replies();
        let mut steps = Vec::new();
        for id in ids {
            steps.extend(self.carry_out(Step::Settle { id, charged: 1 }).await);
        }
        steps
    }

    async fn carry_out(&self, step: Step) -> Option<(Step, Outcome)> {
        let mut conn = self.db.get().await.expect("a connection");
        let conn = &mut *conn;
        let outcome = match &step {
            Step::Claim { .. } => self.claim(conn, &step).await,
            Step::Keep { id } => self.keep(conn, *id).await,
            Step::Settle { id, charged } => self.settle(conn, *id, *charged).await,
            Step::Sweep { id, charged } => self.expire(conn, *id, *charged).await,
            Step::Give { grant, amount, expires_at } => {
                let cause = Cause::Other(global(self.id, grant));
                done(ledger::give(conn, self.id, cause, Nanos(*amount), *expires_at).await.expect("given"))
            }
            Step::TakeBack { refund, grant, amount } => {
                let (cause, grant) = (Cause::Other(global(self.id, refund)), global(self.id, grant));
                let taken = ledger::take_back(conn, self.id, cause, &grant, Nanos(*amount)).await;
                done(taken.expect("taken back"))
            }
            Step::Crash { id } => done(time::crash(conn, self.id, *id).await),
            Step::EndGrant { grant } => done(time::end_grant(conn, self.id, &global(self.id, grant)).await),
            Step::EndMonth => done(time::end_month(conn, self.id).await),
            Step::Open => return None,
        };
        Some((step, outcome))
    }

    async fn claim(&self, conn: &mut Connection, step: &Step) -> Outcome {
        let Step::Claim { request, id, tokens, useful } = *step else { panic!("not a claim") };
        let new = self.new_generation(self.known().request_id(request), id, tokens, useful);
        let seen = claims::look_up(conn, new.account_id, new.client_request_id, Some(new.thread.id));
        let mut seen = seen.await.expect("the account");
        let (generation, outcome) = match claims::claim(conn, &new, &mut seen, None).await.expect("a claim") {
            Claim::Claimed(terms, _) => {
                *self.seen() = Some(seen);
                (id, Outcome::Claimed { amount: terms.amount.0 })
            }
            Claim::Existing(existing) => (existing, Outcome::Existing(existing)),
            Claim::Refused(Shortage::Credit(credit)) => {
                return Outcome::Refused { available: credit.available.0, held: credit.held.0 };
            }
            refused => panic!("{refused:?}"),
        };
        self.known().note_reply(request, generation);
        outcome
    }

    async fn keep(&self, conn: &mut Connection, id: GenerationId) -> Outcome {
        let mut seen = self.seen().take();
        let kept =
            recovery::keep(conn, self.id, id, Checkpoint::default(), DAY, &mut seen).await.expect("kept");
        *self.seen() = seen;
        match kept {
            Kept::Renewed | Kept::StopRequested => Outcome::Renewed,
            Kept::HoldLost => Outcome::HoldLost,
        }
    }

    /// A request for at most so many tokens, of which so many are worth having.
    pub fn new_generation(
        &self,
        client_request_id: ClientRequestId,
        id: GenerationId,
        tokens: u32,
        useful: u32,
    ) -> NewGeneration {
        NewGeneration {
            id,
            account_id: self.id,
            client_request_id,
            thread: self.thread.clone(),
            is_new_thread: false,
            parent: self.prompt.clone(),
            is_new_message: false,
            model: MODEL.to_owned(),
            price_version: 1,
            hold: HoldRequest {
                prices: PRICES,
                input_tokens: 0,
                output_tokens: tokens,
                min_output_tokens: useful,
            },
            hold_ttl: DAY,
            monthly_credit: Nanos(MONTHLY),
            plan_caps: PlanCaps::default(),
            is_by_program: false,
            overage_max: None,
            traceparent: None,
        }
    }

    async fn settle(&self, conn: &mut Connection, id: GenerationId, charged: i64) -> Outcome {
        let usage = TokenUsage { output_tokens: charged as u32, ..TokenUsage::default() };
        let attempt = Attempt {
            route_key: MODEL.to_owned(),
            started_at: Utc::now(),
            first_token_ms: None,
            duration_ms: 1,
            outcome: AttemptOutcome::Finished,
            usage: Some(usage),
            cost: Nanos(charged / 2),
        };
        let settlement = Settlement { attempts: vec![attempt], ..self.settlement(id, charged) };
        let mut seen = self.seen().take();
        let settled = settlements::settle(conn, &settlement, &mut seen).await.expect("settled");
        *self.seen() = seen;
        match settled.posted {
            Posted::Charge => Outcome::Charged,
            Posted::Difference => Outcome::Corrected,
            Posted::Nothing => Outcome::Nothing,
        }
    }

    async fn sweep(&self, charged: i64) -> Vec<(Step, Outcome)> {
        let mut conn = self.db.get().await.expect("a connection");
        let found = recovery::list_abandoned(&mut conn, None, 1000).await.expect("a list");
        drop(conn);
        let mut steps = Vec::new();
        for abandoned in found.into_iter().filter(|abandoned| abandoned.account_id == self.id) {
            let id = abandoned.id;
            self.known().note_abandoned(abandoned);
            steps.extend(self.carry_out(Step::Sweep { id, charged }).await);
        }
        steps
    }

    async fn expire(&self, conn: &mut Connection, id: GenerationId, charged: i64) -> Outcome {
        let abandoned = self.known().abandoned(id);
        let settlement = Settlement { is_estimated: true, ..self.settlement(abandoned.id, charged) };
        done(settlements::sweep(conn, &settlement).await.expect("swept"))
    }

    fn settlement(&self, id: GenerationId, charged: i64) -> Settlement {
        Settlement {
            generation_id: id,
            account_id: self.id,
            thread_id: self.thread.id,
            parent_id: self.prompt.id,
            output: Output::default(),
            state: ReplyState::Finished,
            model: MODEL.to_owned(),
            price_version: 1,
            attempts: Vec::new(),
            usage: TokenUsage { output_tokens: charged as u32, ..TokenUsage::default() },
            is_estimated: false,
            charged: Nanos(charged),
            plan_cap: None,
            overage_max: None,
        }
    }

    pub fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().expect("no task has panicked")
    }

    fn seen(&self) -> MutexGuard<'_, Option<Snapshot>> {
        self.seen.lock().expect("no task has panicked")
    }
}

fn done(is_done: bool) -> Outcome {
    if is_done { Outcome::Done } else { Outcome::Nothing }
}
