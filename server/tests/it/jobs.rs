//! Work done later: at least once, by one worker at a time, and never lost.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use app::types::{AuditKind, Thread};
use async_trait::async_trait;
use diesel_async::AsyncConnection;
use serde_json::json;
use server::jobs::{Handler, JobError, Schedule, Slots, Worker, WorkerParts};
use server::store::Db;
use server::store::audit::NewAuditEvent;
use server::store::jobs::{self, Lease, NewJob};
use tokio::sync::{Mutex, Notify, mpsc};
use tokio_util::sync::CancellationToken;

use crate::support::{TestApp, new_request, prompt, until};

/// Long enough that no lease of a living worker ends during a test.
const LEASE: Duration = Duration::from_secs(600);

fn job(name: &str) -> NewJob {
    NewJob {
        kind: "test",
        payload: json!({ "name": name }),
        run_at: None,
        unique_key: None,
        serial_key: None,
        max_attempts: 3,
    }
}

/// Of jobs that are longer than their lease.
const SHORT_LEASE: Duration = Duration::from_secs(3);

/// What a handler was given, and what it does with it: jobs named `fail…` fail, `panic…` panic, `long…` wait to be let go.
struct Handled {
    begun: mpsc::UnboundedSender<String>,
    ended: mpsc::UnboundedSender<String>,
    let_go: Arc<Notify>,
    running: Mutex<HashMap<String, usize>>,
}

#[async_trait]
impl Handler for Handled {
    fn kind(&self) -> &'static str {
        "test"
    }

    async fn run(&self, lease: &Lease) -> Result<(), JobError> {
        let name = lease.payload["name"].as_str().expect("a name").to_owned();
        let group = name.split('-').next_back().expect("a group").to_owned();
        {
            let mut running = self.running.lock().await;
            *running.entry(group.clone()).or_default() += 1;
            self.begun.send(format!("{name}#{}", running[&group])).expect("a test");
        }
        if name.starts_with("long") {
            self.let_go.notified().await;
        }
        *self.running.lock().await.get_mut(&group).expect("begun") -= 1;
        self.ended.send(name.clone()).expect("a test");
        assert!(!name.starts_with("panic"), "as asked");
        if name.starts_with("fail") { Err(JobError::passing("as asked")) } else { Ok(()) }
    }
}

/// A worker of its own, as on another machine.
struct TestWorker {
    begun: mpsc::UnboundedReceiver<String>,
    ended: mpsc::UnboundedReceiver<String>,
    let_go: Arc<Notify>,
    ending: CancellationToken,
    task: tokio::task::JoinHandle<()>,
    worker: Worker,
}

impl TestWorker {
    fn start(db: Db, schedules: Vec<Schedule>) -> Self {
        Self::start_with(db, schedules, LEASE, LEASE)
    }

    fn start_with(db: Db, schedules: Vec<Schedule>, lease: Duration, time_limit: Duration) -> Self {
        let (begun_sender, begun) = mpsc::unbounded_channel();
        let (ended_sender, ended) = mpsc::unbounded_channel();
        let let_go = Arc::new(Notify::new());
        let handler = Handled {
            begun: begun_sender,
            ended: ended_sender,
            let_go: let_go.clone(),
            running: Mutex::default(),
        };
        let worker = Worker::new(WorkerParts {
            db,
            handlers: vec![Arc::new(handler)],
            schedules,
            concurrency: 4,
            lease,
            time_limit,
        });
        let ending = CancellationToken::new();
        let task = tokio::task::spawn({
            let (worker, ending) = (worker.clone(), ending.clone());
            async move { worker.run(ending).await }
        });
        Self { begun, ended, let_go, ending, task, worker }
    }

    async fn next_begun(&mut self) -> String {
        self.begun.recv().await.expect("a handler")
    }

    async fn next_ended(&mut self) -> String {
        self.ended.recv().await.expect("a handler")
    }

    /// As a shutdown does.
    async fn finish(self) {
        self.ending.cancel();
        self.task.await.expect("no panic");
        self.worker.finish(LEASE).await;
    }
}

async fn enqueue(db: &Db, job: &NewJob) -> bool {
    jobs::enqueue(&db.get().await.expect("a connection"), job).await.expect("enqueue")
}

/// Waits until the database says so.
async fn until_job(app: &TestApp, condition: &str) {
    until(async || app.database().number(&format!("select count(*) from jobs where {condition}")).await > 0)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_runs_if_its_transaction_was_committed_and_only_then() {
    let app = TestApp::start().await;
    let db = app.db();
    let mut worker = TestWorker::start(db.clone(), vec![]);
    let rolled_back = db
        .get()
        .await
        .expect("a connection")
        .transaction::<(), diesel::result::Error, _>(async |conn| {
            jobs::enqueue(conn, &job("never")).await?;
            Err(diesel::result::Error::RollbackTransaction)
        })
        .await;
    assert!(rolled_back.is_err());
    enqueue(&db, &job("once")).await;
    assert_eq!(worker.next_ended().await, "once");
    until_job(&app, "state = 'done'").await;
    worker.finish().await;
    assert_eq!(app.database().number("select count(*) from jobs").await, 1);
}

/// (36)
#[tokio::test(flavor = "multi_thread")]
async fn a_poison_job_ends_dead_after_its_attempts_and_the_queue_keeps_moving() {
    let app = TestApp::start().await;
    let db = app.db();
    let mut worker = TestWorker::start(db.clone(), vec![]);
    for name in ["fail", "panic"] {
        enqueue(&db, &job(name)).await;
        for attempt in 1..=3 {
            assert_eq!(worker.next_ended().await, name);
            until_job(
                &app,
                &format!("payload->>'name' = '{name}' and attempt = {attempt} and state <> 'running'"),
            )
            .await;
            // Its pause, over at once.
            app.database()
                .execute("update jobs set run_at = now() where state = 'ready'; notify plumbline_jobs")
                .await;
        }
        enqueue(&db, &job("good")).await;
        assert_eq!(worker.next_ended().await, "good");
    }
    let dead =
        app.database().rows("select attempt, last_error from jobs where state = 'dead' order by id").await;
    let dead: Vec<(i32, String)> = dead.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(dead, [(3, "as asked".to_owned()), (3, "it panicked".to_owned())]);
    worker.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_job_can_be_tried_again() {
    let app = TestApp::start().await;
    let db = app.db();
    enqueue(&db, &job("good")).await;
    app.database().execute("update jobs set state = 'dead', attempt = 3, finished_at = now()").await;
    let id: String = app.database().rows("select id::text from jobs").await[0].get(0);
    let id = id.parse().expect("a UUID");
    let by = NewAuditEvent::new(AuditKind::JobRetried);
    assert!(jobs::revive(&mut db.get().await.expect("a connection"), id, by).await.expect("revive"));
    let mut worker = TestWorker::start(db, vec![]);
    assert_eq!(worker.next_ended().await, "good");
    until_job(&app, "state = 'done'").await;
    worker.finish().await;
}

/// Whatever waits for longer, and however much of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_an_urgent_kind_goes_first_once_it_is_due() {
    let app = TestApp::start().await;
    let db = app.db();
    let due = |kind, minutes| NewJob {
        kind,
        run_at: Some(chrono::Utc::now() + chrono::TimeDelta::minutes(minutes)),
        ..job("good")
    };
    for job in [due("urgent", 10), due("test", -10), due("urgent", -1), due("test", -20)] {
        enqueue(&db, &job).await;
    }
    let mut conn = db.get().await.expect("a connection");
    let mut taken = Vec::new();
    while let Some(lease) = jobs::lease(&mut conn, LEASE, &["urgent"]).await.expect("lease") {
        taken.push(lease.kind);
    }
    assert_eq!(taken, ["urgent", "test", "test"]);
}

/// (35) The worker dies in the middle, another takes over, and the dead one wakes up.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_worker_died_is_run_again_and_a_late_end_changes_nothing() {
    let app = TestApp::start().await;
    let db = app.db();
    enqueue(&db, &job("good")).await;
    let mut conn = db.get().await.expect("a connection");
    let stale = jobs::lease(&mut conn, LEASE, &[]).await.expect("lease").expect("a job");
    assert!(jobs::lease(&mut conn, LEASE, &[]).await.expect("lease").is_none(), "it is taken");

    app.database().execute("update jobs set leased_until = now()").await;
    let mut worker = TestWorker::start(db.clone(), vec![]);
    assert_eq!(worker.next_ended().await, "good");
    until_job(&app, "state = 'done'").await;
    assert!(!jobs::renew(&mut conn, &stale, LEASE).await.expect("renew"));
    assert!(!jobs::complete(&mut conn, &stale).await.expect("complete"));
    assert!(!jobs::fail(&mut conn, &stale, "late", None).await.expect("fail"));
    assert_eq!(app.database().number("select attempt::bigint from jobs where state = 'done'").await, 2);
    drop(conn);
    worker.finish().await;
}

/// (35) A long job whose worker is stuck: another one takes it, and when the stuck one is done after all, its end counts
/// for nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_job_of_a_worker_that_hangs_is_run_by_another_and_ends_once() {
    let app = TestApp::start().await;
    let db = app.db();
    enqueue(&db, &job("long")).await;
    let mut stuck = TestWorker::start(db.clone(), vec![]);
    stuck.next_begun().await;
    // It takes no more, but still has this one.
    stuck.ending.cancel();
    (&mut stuck.task).await.expect("no panic");
    let mut other = TestWorker::start(db.clone(), vec![]);
    app.database().execute("update jobs set leased_until = now(); notify plumbline_jobs").await;
    other.next_begun().await;
    stuck.let_go.notify_one();
    stuck.next_ended().await;
    stuck.worker.finish(LEASE).await;
    let running = "select count(*) from jobs where state = 'running' and attempt = 2 and finished_at is null";
    assert_eq!(app.database().number(running).await, 1, "it is the other one's");
    other.let_go.notify_one();
    other.next_ended().await;
    until_job(&app, "state = 'done' and attempt = 2").await;
    other.finish().await;
    assert_eq!(app.database().number("select count(*) from jobs").await, 1);
}

/// (35) While it runs, its worker is heard of.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_longer_than_its_lease_stays_with_its_worker() {
    let app = TestApp::start().await;
    let db = app.db();
    enqueue(&db, &job("long")).await;
    let mut worker = TestWorker::start_with(db.clone(), vec![], SHORT_LEASE, LEASE);
    worker.next_begun().await;
    let mut other = TestWorker::start_with(db.clone(), vec![], SHORT_LEASE, LEASE);
    app.database().execute("create table begun as select leased_until from jobs").await;
    // Twice the length of the lease goes by, and the other one looks all the time.
    let renewed =
        "select count(*) from jobs, begun where jobs.leased_until > begun.leased_until + interval '6 s'";
    until(async || {
        app.database().execute("notify plumbline_jobs").await;
        app.database().number(renewed).await > 0
    })
    .await;
    worker.let_go.notify_one();
    worker.next_ended().await;
    until_job(&app, "state = 'done' and attempt = 1").await;
    assert!(other.begun.try_recv().is_err());
    worker.finish().await;
    other.finish().await;
}

/// (35) It was cut off from the database for a while, and another one has the job by now.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_has_lost_a_job_lets_go_of_it() {
    let app = TestApp::start().await;
    let db = app.db();
    enqueue(&db, &job("long")).await;
    let mut worker = TestWorker::start_with(db.clone(), vec![], SHORT_LEASE, LEASE);
    worker.next_begun().await;
    let taken = "update jobs set attempt = attempt + 1, leased_until = now() + interval '1 hour'";
    app.database().execute(taken).await;
    worker.ending.cancel();
    (&mut worker.task).await.expect("no panic");
    worker.worker.finish(LEASE).await;
    assert!(worker.ended.try_recv().is_err(), "nobody has let it go");
    let others = "select count(*) from jobs where state = 'running' and attempt = 2 and last_error is null";
    assert_eq!(app.database().number(others).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_takes_too_long_has_failed_and_is_tried_again() {
    let app = TestApp::start().await;
    let db = app.db();
    enqueue(&db, &job("long")).await;
    let mut worker = TestWorker::start_with(db, vec![], LEASE, Duration::from_millis(50));
    worker.next_begun().await;
    until_job(&app, "state = 'ready' and attempt = 1 and last_error = 'it took too long'").await;
    assert!(worker.ended.try_recv().is_err(), "nobody has let it go");
    worker.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_of_one_serial_key_never_run_at_the_same_time() {
    let app = TestApp::start().await;
    let db = app.db();
    let (mut first, mut second) =
        (TestWorker::start(db.clone(), vec![]), TestWorker::start(db.clone(), vec![]));
    for number in 0..20 {
        let job = NewJob { serial_key: Some("customer".to_owned()), ..job(&format!("{number}-customer")) };
        enqueue(&db, &job).await;
    }
    until_job(&app, "(select count(*) from jobs where state = 'done') = 20").await;
    for worker in [&mut first, &mut second] {
        while let Ok(begun) = worker.begun.try_recv() {
            assert!(begun.ends_with("#1"), "{begun}");
        }
    }
    first.finish().await;
    second.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_waits_is_not_enqueued_twice_but_one_that_runs_is() {
    let app = TestApp::start().await;
    let db = app.db();
    let long = NewJob { unique_key: Some("customer".to_owned()), ..job("long") };
    assert!(enqueue(&db, &long).await);
    assert!(!enqueue(&db, &long).await);
    let mut worker = TestWorker::start(db.clone(), vec![]);
    worker.next_begun().await;
    assert!(enqueue(&db, &long).await, "the one that runs may have looked already");
    worker.let_go.notify_one();
    worker.next_begun().await;
    worker.let_go.notify_one();
    until_job(&app, "(select count(*) from jobs where state = 'done') = 2").await;
    worker.finish().await;
}

/// A failed job goes back to the queue, where another with its unique key may wait by now.
#[tokio::test(flavor = "multi_thread")]
async fn a_failed_job_gives_way_to_its_successor() {
    let app = TestApp::start().await;
    let db = app.db();
    let unique = NewJob { unique_key: Some("customer".to_owned()), ..job("good") };
    let mut conn = db.get().await.expect("a connection");
    assert!(jobs::enqueue(&conn, &unique).await.expect("enqueue"));
    let lease = jobs::lease(&mut conn, LEASE, &[]).await.expect("lease").expect("a job");
    assert!(jobs::enqueue(&conn, &unique).await.expect("enqueue"));
    assert!(jobs::fail(&mut conn, &lease, "gone", Some(Duration::ZERO)).await.expect("fail"));
    assert_eq!(app.database().number("select count(*) from jobs where state = 'ready'").await, 1);
    assert_eq!(app.database().number("select count(*) from jobs where state = 'done'").await, 1);
}

/// (36)
#[tokio::test(flavor = "multi_thread")]
async fn scheduled_work_is_enqueued_once_for_each_time_by_many_workers_and_after_a_pause() {
    let app = TestApp::start().await;
    let db = app.db();
    let daily = || vec![Schedule { name: "daily", slots: Slots::DailyAt(0), job: job("good") }];
    let workers: Vec<_> = (0..5).map(|_| TestWorker::start(db.clone(), daily())).collect();
    until_job(&app, "state = 'done'").await;
    for worker in workers {
        worker.finish().await;
    }
    assert_eq!(app.database().number("select count(*) from jobs").await, 1);

    // As after three days without a worker.
    app.database().execute("update schedule_slots set slot = slot - interval '3 days'").await;
    let worker = TestWorker::start(db.clone(), daily());
    until_job(&app, "(select count(*) from jobs where state = 'done') = 2").await;
    worker.finish().await;
    assert_eq!(
        app.database().number("select count(*) from jobs").await,
        2,
        "what was missed is made up for once"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_waits_for_the_jobs_that_run_and_takes_no_more() {
    let app = TestApp::start().await;
    let db = app.db();
    let mut worker = TestWorker::start(db.clone(), vec![]);
    enqueue(&db, &job("long")).await;
    worker.next_begun().await;
    let TestWorker { ending, task, let_go, worker, .. } = worker;
    ending.cancel();
    task.await.expect("no panic");
    enqueue(&db, &job("later")).await;
    let finishing = tokio::task::spawn(async move { worker.finish(LEASE).await });
    let_go.notify_one();
    finishing.await.expect("no panic");
    let states = app.database().rows("select state from jobs order by id").await;
    assert_eq!(states.iter().map(|row| row.get(0)).collect::<Vec<String>>(), ["done", "ready"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_does_the_scheduled_work_by_itself_and_forgets_when_it_was_due() {
    let app = TestApp::start().await;
    let _ = (app.user().await, app.user().await);
    let expire = "update sessions set expires_at = now() where id = (select id from sessions limit 1)";
    app.database().execute(expire).await;
    let old = "insert into schedule_slots select name, now() - days * interval '1 day'
        from unnest(array['purge_jobs', 'gone']) name, unnest(array[8, 9]) days";
    app.database().execute(old).await;
    let mut process = app.spawn_process(&[]);
    process.ready().await;
    until_job(&app, "kind = 'purge_jobs' and state = 'done'").await;
    let kept = "select count(*) from schedule_slots where name = ";
    for name in ["purge_jobs", "gone"] {
        assert_eq!(app.database().number(&format!("{kept} '{name}'")).await, 1, "the newest of {name}");
    }
    assert_eq!(
        app.database().number("select count(*) from sessions").await,
        1,
        "those that have not run out"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn words_are_erased_also_in_a_night_in_which_nothing_else_can_be_deleted() {
    let app = TestApp::start().await;
    let (browser, database) = (app.user().await, app.database());
    browser.ask(&prompt()).await;
    let break_the_rest = "
        update threads set deleted_at = now() - interval '31 days';
        insert into schedule_slots select 'gone', now() - days * interval '1 day' from unnest(array[8, 9]) days;
        create function refuse() returns trigger language plpgsql as $$ begin raise exception 'no space left'; end $$;
        create trigger refuse before delete on sessions execute function refuse();
        create trigger refuse before delete on jobs execute function refuse();";
    database.execute(break_the_rest).await;
    let _worker = app.spawn_worker(&[]);
    until_job(&app, "kind = 'purge_jobs' and last_error like '%no space left%'").await;
    let words = "select count(*) from messages where content <> ''";
    assert_eq!(database.number(words).await, 0);
    let slots = "select count(*) from schedule_slots where name = 'gone'";
    assert_eq!(database.number(slots).await, 1, "what comes after a failure is done, too");

    database.execute("drop function refuse cascade; update jobs set run_at = now() where state = 'ready'; notify plumbline_jobs").await;
    until_job(&app, "kind = 'purge_jobs' and state = 'done'").await;
}

/// Its receipts stay, and so do the rows that they are made of.
#[tokio::test(flavor = "multi_thread")]
async fn the_words_of_a_conversation_deleted_long_ago_are_erased_and_it_cannot_be_brought_back() {
    let app = TestApp::start().await;
    let (mut browser, database) = (app.user().await, app.database());
    for _ in 0..3 {
        browser.ask(&prompt()).await;
    }
    let threads: Vec<Thread> = browser.value("chat/list_threads", &[]).await;
    let [here, recent, old] = &threads[..] else { panic!("three conversations: {threads:?}") };
    let (recent_id, old_id) = (recent.id.to_string(), old.id.to_string());
    for id in [&recent_id, &old_id] {
        browser.value::<()>("chat/delete_thread", &[("id", id)]).await;
    }
    let age = format!(
        "update messages set reasoning = 'thought'; update generations set checkpoint_text = 'said';
         update threads set deleted_at = now() - interval '29 days' where id = '{recent_id}';
         update threads set deleted_at = now() - interval '31 days' where id = '{old_id}';
         insert into threads (id, account_id, title, deleted_at)
             select gen_random_uuid(), account_id, 'One of many', deleted_at
             from threads, generate_series(1, 120) where id = '{old_id}'"
    );
    database.execute(&age).await;
    assert_eq!(browser.error("chat/restore_thread", &[("id", &old_id)]).await.0, 404, "it is too old");
    browser.value::<()>("chat/delete_thread", &[("id", &old_id)]).await;

    let _worker = app.spawn_worker(&[]);
    until_job(&app, "kind = 'purge_jobs' and state = 'done'").await;
    let with_words = "select distinct t.id::text from threads t
        left join messages m on m.thread_id = t.id left join generations g on g.thread_id = t.id
        where t.title <> '' or m.content <> '' or m.reasoning <> '' or g.checkpoint_text <> ''";
    let rows = database.rows(with_words).await;
    let mut left: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let mut kept = [here.id.to_string(), recent_id.clone()];
    left.sort();
    kept.sort();
    assert_eq!(left, kept);

    let receipts = browser.get("/usage/replies.csv").await.text().await.expect("a file");
    assert_eq!(receipts.lines().count(), 4, "{receipts}");
    assert!(receipts.contains(",a conversation,") && receipts.contains(&old_id), "{receipts}");
    assert_eq!(browser.error("chat/restore_thread", &[("id", &old_id)]).await.0, 404);
    assert_eq!(
        browser.error("chat/rename_thread", &[("id", &old_id), ("title", "It was")]).await.0,
        404,
        "it takes no words any more"
    );
    browser.value::<()>("chat/restore_thread", &[("id", &recent_id)]).await;
}

/// (35) Where the servers are down, and the worker is up.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_only_runs_jobs_ends_replies_whose_server_has_died() {
    let app = TestApp::start().await;
    let mut server = app.spawn_process(&[]);
    server.ready().await;
    let browser = app.user().await.at(&server.url);
    let prompt = prompt();
    app.sandbox.script(&prompt, json!({ "stall_after_chunks": 1 })).await;
    let mut reply = browser.start_reply(&new_request(&prompt)).await;
    reply.read_event().await.expect("it begins");
    server.kill();
    app.database().execute("update holds set expires_at = now() where state = 'pending'").await;
    let _worker = app.spawn_worker(&[]);
    let held = "select count(*) from holds where state = 'pending'";
    until(async || app.database().number(held).await == 0).await;
    let ended = "select count(*) from generations where state = 'interrupted'";
    assert_eq!(app.database().number(ended).await, 1);
}
