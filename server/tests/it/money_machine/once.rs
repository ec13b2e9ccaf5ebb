//! Each request is posted once, and each month's credit is given once, whoever comes in between.

use app::types::{AccountId, ClientRequestId, GenerationId};
use server::store::claims::{self, Claim};
use uuid::Uuid;

use super::account::Account;
use super::command::Command;
use super::start;
use super::step::{Outcome, Step};
use crate::support::{TestApp, TestDatabase};

async fn charges(database: &TestDatabase, account_id: AccountId) -> Vec<i64> {
    let entries = format!(
        "select amount_nanos from ledger_entries
         where account_id = '{account_id}' and cause like 'generation:%' order by number"
    );
    database.rows(&entries).await.iter().map(|row| row.get(0)).collect()
}

fn outcomes(steps: impl IntoIterator<Item = (Step, Outcome)>) -> Vec<Outcome> {
    steps.into_iter().map(|(_, outcome)| outcome).collect()
}

/// (20)
#[tokio::test(flavor = "multi_thread")]
async fn a_reply_is_posted_as_it_was_settled_first_and_later_settlements_are_told_so() {
    let app = start().await;
    for (charged, posted) in [([30, 30, 0], vec![-30]), ([0, 30, 30], vec![])] {
        let account = Account::create(app.database(), app.db()).await;
        account.run(&Command::Claim { tokens: 40, useful: 1 }).await;
        let mut settled = Vec::new();
        for charged in charged {
            settled.extend(account.run(&Command::Settle { reply: 0, charged }).await);
        }
        assert_eq!(outcomes(settled), [Outcome::Charged, Outcome::Nothing, Outcome::Nothing]);
        assert_eq!(charges(app.database(), account.id).await, posted);
    }
}

/// What its claim left is known.
#[tokio::test(flavor = "multi_thread")]
async fn a_reply_is_settled_without_reading_its_account_again_unless_somebody_else_was_there() {
    let app = start().await;
    assert_eq!(reads_of_a_reply(&app, None).await, 2, "when it was made, and to claim");
    assert_eq!(reads_of_a_reply(&app, Some(Command::Keep(0))).await, 2);
    assert_eq!(reads_of_a_reply(&app, Some(Command::EndMonth)).await, 3);
}

/// How often a new account is read, told by what is read with everything else and by nothing else.
async fn reads_of_a_reply(app: &TestApp, between: Option<Command>) -> i64 {
    let before = reads_of_overrides(app.database()).await;
    let account = Account::create(app.database(), app.db()).await;
    account.run(&Command::Claim { tokens: 40, useful: 1 }).await;
    if let Some(command) = between {
        account.run(&command).await;
    }
    // Less than what an alert is told for.
    let settled = account.run(&Command::Settle { reply: 0, charged: 20 }).await;
    assert_eq!(outcomes(settled), [Outcome::Charged]);
    reads_of_overrides(app.database()).await - before
}

async fn reads_of_overrides(database: &TestDatabase) -> i64 {
    database.end_connections().await;
    let scans = "select seq_scan + idx_scan from pg_stat_user_tables where relname = 'limit_overrides'";
    database.number(scans).await
}

/// (20)
#[tokio::test(flavor = "multi_thread")]
async fn a_settlement_that_races_two_sweepers_is_posted_once() {
    const RACES: usize = 60;
    let app = start().await;
    let db = app.db();
    for _ in 0..RACES {
        let account = Account::create(app.database(), db.clone()).await;
        account.run(&Command::Claim { tokens: 40, useful: 1 }).await;
        account.run(&Command::Crash(0)).await;
        let (settle, sweep) = (Command::Settle { reply: 0, charged: 30 }, Command::Sweep { charged: 30 });
        let (settled, first, second) =
            tokio::join!(account.run(&settle), account.run(&sweep), account.run(&sweep));
        let (settled, swept) = (outcomes(settled), outcomes(first.into_iter().chain(second)));
        let ended = swept.iter().filter(|outcome| **outcome == Outcome::Done).count();
        assert_eq!(settled, [if ended == 1 { Outcome::Corrected } else { Outcome::Charged }]);
        assert_eq!(charges(app.database(), account.id).await, [-30], "swept: {swept:?}");
    }
}

/// An operator comes in between the look at the account and the claim.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_in_the_middle_of_its_admission_is_not_claimed_once_the_account_is_suspended() {
    let app = start().await;
    let db = app.db();
    let account = Account::create(app.database(), db.clone()).await;
    let mut conn = db.get().await.expect("a connection");
    let (request, id) = (ClientRequestId(Uuid::now_v7()), GenerationId(Uuid::now_v7()));
    let new = account.new_generation(request, id, 40, 1);
    let mut seen =
        claims::look_up(&conn, account.id, request, Some(new.thread.id)).await.expect("the account");
    let suspend = format!(
        "update accounts set suspended_at = now(), books_version = books_version + 1 where id = '{}'",
        account.id
    );
    app.database().execute(&suspend).await;
    let claim = claims::claim(&mut conn, &new, &mut seen, None).await.expect("an answer");
    assert!(matches!(claim, Claim::Suspended), "{claim:?}");
    let generations = format!("select id from generations where id = '{id}'");
    assert!(app.database().rows(&generations).await.is_empty());
}
