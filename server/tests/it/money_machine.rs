//! The money of an account under anything that can happen to it, against a model: in order, and many at once.
//! `LEDGER_OPERATIONS` says how many commands are carried out, `LEDGER_SEED` which. More are drawn: one that finds nothing to
//! be about does not count.

mod account;
mod command;
mod heap;
mod known;
mod model;
mod once;
mod order;
mod state;
mod step;
mod time;

use std::env;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures::future::join_all;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngSeed, TestRunner};
use server::store::Db;
use tokio::runtime::Runtime;

use self::account::Account;
use self::command::{Command, command};
use self::step::{Outcome, Step};
use crate::support::{TestApp, TestDatabase};

/// Commands before a new database: the machine is not about large tables.
const BATCH: usize = 10_000;

fn operations() -> usize {
    let text = env::var("LEDGER_OPERATIONS");
    text.map_or(BATCH, |text| text.parse().expect("LEDGER_OPERATIONS is a number"))
}

fn seed() -> u64 {
    let text = env::var("LEDGER_SEED");
    text.map_or_else(|_| rand::random(), |text| text.parse().expect("LEDGER_SEED is a number"))
}

/// Draws commands; the same seed draws the same.
fn runner(seed: u64, cases: usize) -> TestRunner {
    TestRunner::new(ProptestConfig {
        cases: cases as u32,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        max_shrink_time: 60_000,
        ..ProptestConfig::default()
    })
}

/// Waiting for the lock of a busy account is no fault here, however slow the machine is.
async fn start() -> TestApp {
    let app = TestApp::with(|config| {
        config.database.pool_wait = time::DAY;
        config.database.statement_timeout = time::DAY;
    })
    .await;
    for sql in [account::MODEL_ROWS, order::NOTES, time::FUNCTIONS] {
        app.database().execute(sql).await;
    }
    app
}

/// A third of the commands. What fails is made as short as it can be.
#[test]
fn commands_in_order_do_to_an_account_what_they_do_to_heaps_of_money() {
    const CASE: usize = 100;
    let (runtime, seed) = (Runtime::new().expect("a runtime"), seed());
    let _entered = runtime.enter();
    let (wanted, done) = (operations().div_ceil(3), AtomicUsize::new(0));
    for batch in 0.. {
        let missing = wanted.saturating_sub(done.load(Ordering::Relaxed)).min(BATCH);
        if missing == 0 {
            break;
        }
        let app = runtime.block_on(start());
        let db = app.db();
        // Of what is drawn, less than a third is about nothing.
        let mut runner = runner(seed.wrapping_add(batch), (missing * 3).div_ceil(2 * CASE));
        let outcome = runner.run(&prop::collection::vec(command(), CASE), |commands| {
            let run = runtime.block_on(run_in_order(app.database(), db.clone(), &commands));
            done.fetch_add(run, Ordering::Relaxed);
            Ok(())
        });
        outcome.unwrap_or_else(|error| panic!("LEDGER_SEED={seed}, batch {batch}: {error}"));
    }
}

/// How many of the commands were carried out.
async fn run_in_order(database: &TestDatabase, db: Db, commands: &[Command]) -> usize {
    let account = Account::create(database, db).await;
    let mut model = account.model();
    let mut done = 0;
    for command in commands {
        let steps = account.run(command).await;
        done += usize::from(!steps.is_empty());
        for (step, outcome) in steps {
            assert_eq!(outcome, model.apply(&step), "of {step:?}");
        }
        account.state(database).await.assert_is(&model.state(), &format!("after {command:?}"));
    }
    for (step, outcome) in account.settle_all().await {
        assert_eq!(outcome, model.apply(&step), "of {step:?} at the end");
    }
    account.state(database).await.assert_is(&model.state(), "at the end");
    done
}

/// Tasks of each account: one is hot.
const TASKS: [usize; 4] = [6, 2, 2, 2];

/// Commands drawn for one round, by all tasks.
const ROUND: usize = 600;

/// Two thirds of the commands. Whatever runs at once has the effect of running one after the other, in the order in
/// which the account's lock was had.
#[tokio::test(flavor = "multi_thread")]
async fn commands_at_once_do_to_an_account_what_they_do_in_the_order_of_its_lock() {
    let (wanted, seed) = ((2 * operations()).div_ceil(3), seed());
    let mut commands = runner(seed, 1);
    let (mut done, mut round) = (0, 0);
    while done < wanted {
        let app = start().await;
        let db = app.db();
        let until = wanted.min(done + BATCH);
        while done < until {
            let label = format!("LEDGER_SEED={seed}, round {round}");
            done += run_at_once(&app, &db, &mut commands, &label).await;
            round += 1;
        }
    }
}

/// One round: how many of its commands were carried out. Meanwhile, every invariant holds whenever somebody looks.
async fn run_at_once(app: &TestApp, db: &Db, commands: &mut TestRunner, label: &str) -> usize {
    let is_over = AtomicBool::new(false);
    let audits = async {
        while !is_over.load(Ordering::Relaxed) {
            app.database().assert_consistent().await;
        }
    };
    let accounts = async {
        let done = join_all(TASKS.map(|tasks| {
            let drawn = (0..tasks).map(|_| draw(commands)).collect();
            run_account(app.database(), db.clone(), drawn, label)
        }))
        .await;
        is_over.store(true, Ordering::Relaxed);
        done.into_iter().sum::<usize>()
    };
    tokio::join!(audits, accounts).1
}

fn draw(commands: &mut TestRunner) -> Vec<Command> {
    let count = ROUND / TASKS.iter().sum::<usize>();
    let drawn = prop::collection::vec(command(), count).new_tree(commands);
    drawn.expect("commands").current()
}

/// Each list of commands is run by a task of its own. How many of them were carried out.
async fn run_account(database: &TestDatabase, db: Db, commands: Vec<Vec<Command>>, label: &str) -> usize {
    let account = Arc::new(Account::create(database, db).await);
    let tasks = commands.iter().cloned().map(|commands| {
        let account = account.clone();
        tokio::task::spawn(async move {
            let mut runs = Vec::new();
            for command in commands {
                runs.push(account.run(&command).await);
            }
            runs
        })
    });
    let mut runs = Vec::new();
    for task in join_all(tasks).await {
        runs.extend(task.unwrap_or_else(|error| panic!("{label}: {error} in {commands:?}")));
    }
    let done = runs.iter().filter(|steps| !steps.is_empty()).count();
    let mut taken: Vec<_> = runs.into_iter().flatten().collect();
    taken.extend(account.settle_all().await);
    check_order(database, &account, taken, label).await;
    done
}

async fn check_order(database: &TestDatabase, account: &Account, taken: Vec<(Step, Outcome)>, label: &str) {
    let order = order::read(database, account).await;
    let mut model = account.model();
    let mut expected: Vec<_> = order.iter().map(|step| (step.clone(), model.apply(step))).collect();
    account.state(database).await.assert_is(&model.state(), &format!("{label}, in this order: {order:?}"));

    expected.retain(|(step, _)| *step != Step::Open);
    let mut changes: Vec<_> = taken.into_iter().filter(|(_, outcome)| outcome.is_change()).collect();
    expected.sort();
    changes.sort();
    assert_eq!(changes, expected, "{label}: what was answered is what was done, in this order: {order:?}");
}
