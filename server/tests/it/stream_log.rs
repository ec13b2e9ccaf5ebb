//! The log of a reply's events in Redis, also when Redis loses something of it.

use std::ops::Range;

use app::types::{ChatEvent, ChatEventKind, GenerationId};
use redis::aio::MultiplexedConnection;
use redis::{FromRedisValue, ToRedisArgs};
use secrecy::ExposeSecret;
use server::streams::{StreamLog, StreamLogError};
use uuid::Uuid;

use crate::support::{TestApp, begin_reply, paced, prompt, until};

fn text(seq: u32, length: usize) -> ChatEvent {
    ChatEvent { seq, kind: ChatEventKind::Text { text: "x".repeat(length) } }
}

fn seqs(events: &[ChatEvent]) -> Vec<u32> {
    events.iter().map(|event| event.seq).collect()
}

/// One reply's log, as it lies in Redis.
struct RawLog {
    redis: MultiplexedConnection,
    key: String,
}

impl RawLog {
    async fn of(app: &TestApp, id: GenerationId) -> Self {
        let config = app.redis_config();
        let client = redis::Client::open(config.url.expose_secret()).expect("a URL");
        let redis = client.get_multiplexed_async_connection().await.expect("Redis");
        Self { redis, key: format!("{}reply:{id}", config.key_prefix) }
    }

    async fn run<T: FromRedisValue>(&mut self, command: &str, arguments: &[impl ToRedisArgs]) -> T {
        let mut command = redis::cmd(command);
        command.arg(&self.key).arg(arguments);
        command.query_async(&mut self.redis).await.expect("an answer")
    }

    /// What a writer adds, all at once.
    async fn fill(&mut self, seqs: Range<u32>) {
        let mut pipeline = redis::pipe();
        for seq in seqs {
            let line = serde_json::to_string(&text(seq, 4)).expect("JSON");
            pipeline.cmd("XADD").arg(&self.key).arg(format!("{seq}-0")).arg("events").arg(line).ignore();
        }
        let () = pipeline.query_async(&mut self.redis).await.expect("Redis takes them");
    }
}

/// A piece on each beat is 6,000 a minute.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_a_long_answer_keeps_its_beginning() {
    const PIECES: u32 = 20_500;
    let app = TestApp::start().await;
    let log = StreamLog::new(&app.redis_config()).expect("a log");
    let id = GenerationId(Uuid::now_v7());
    let mut writer = log.writer(id);
    writer.append(1, &[text(1, 4)], false).await.expect("Redis takes it");
    RawLog::of(&app, id).await.fill(2..PIECES).await;
    writer.append(PIECES, &[text(PIECES, 4)], false).await.expect("Redis takes it");
    let page = log.read(id, 0).await.expect("Redis has it");
    assert_eq!(seqs(&page.events), (1..=PIECES).collect::<Vec<_>>());
    let rest = log.read(id, PIECES - 1).await.expect("Redis has it");
    assert_eq!(seqs(&rest.events), [PIECES]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_takes_too_much_memory_is_given_up_rather_than_cut_at_its_beginning() {
    let app = TestApp::start().await;
    let log = StreamLog::new(&app.redis_config()).expect("a log");
    let id = GenerationId(Uuid::now_v7());
    let mut writer = log.writer(id);
    let mut logged = 0;
    let refusal = loop {
        match writer.append(logged + 1, &[text(logged + 1, 1 << 20)], false).await {
            Ok(()) => logged += 1,
            Err(refusal) => break refusal,
        }
    };
    assert!(matches!(refusal, StreamLogError::Full), "{refusal}");
    let page = log.read(id, 0).await.expect("Redis has it");
    assert_eq!(seqs(&page.events), (1..=15).collect::<Vec<_>>());
}

/// (24) As after a restart of a Redis that keeps nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_redis_forgets_in_mid_reply_is_written_anew() {
    let app = TestApp::start().await;
    let (followed, fresh) = (app.another_server().await, app.another_server().await);
    let browser = app.user().await;
    let prompt = prompt();
    app.sandbox.script(&prompt, paced(&"a ".repeat(100), 60)).await;
    let (mut reply, id) = begin_reply(&browser, &prompt).await;
    let mut following = browser.at(&followed).follow_reply(id, 0).await;
    following.read_event().await;
    let mut raw = RawLog::of(&app, id).await;
    let () = raw.run("DEL", &[] as &[&str]).await;
    // It is written anew, and forgotten some time after the reply.
    until(async || raw.run::<i64>("TTL", &[] as &[&str]).await > 0).await;

    let mut late = browser.at(&fresh).follow_reply(id, 0).await;
    reply.read_to_end().await;
    following.read_to_end().await;
    late.read_to_end().await;
    assert_eq!(following.events, reply.events);
    assert_eq!(late.events, reply.events);
}

/// (24) As after a Redis was restored from a copy.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_has_lost_its_beginning_is_shown_to_nobody() {
    let app = TestApp::start().await;
    let other = app.another_server().await;
    let browser = app.user().await;
    let prompt = prompt();
    app.sandbox.script(&prompt, paced(&"a ".repeat(60), 60)).await;
    let (mut reply, id) = begin_reply(&browser, &prompt).await;
    reply.read_event().await;
    reply.read_event().await;
    let () = RawLog::of(&app, id).await.run("XTRIM", &["MAXLEN", "1"]).await;
    let mut following = browser.at(&other).follow_reply(id, 0).await;
    reply.read_to_end().await;
    following.read_to_end().await;
    assert!(following.events.is_empty(), "{:?}", following.events);

    let mut again = browser.at(&other).follow_reply(id, 0).await;
    again.read_to_end().await;
    assert_eq!(again.ended(), reply.ended());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_does_not_take_the_end_of_an_answer_for_the_whole() {
    const TEXT: &str = "a b c d e f g h i j";
    let app = TestApp::start().await;
    let mut server = app.doomed_server(|_| {}).await;
    let browser = app.user().await.at(&server.url);
    let prompt = prompt();
    app.sandbox.script(&prompt, paced(TEXT, 60)).await;
    let (mut reply, id) = begin_reply(&browser, &prompt).await;
    reply.read_event().await;
    reply.read_event().await;
    server.abort();
    reply.read_until_cut().await;
    let () = RawLog::of(&app, id).await.run("XTRIM", &["MAXLEN", "1"]).await;

    app.database().execute("update holds set expires_at = now()").await;
    app.state.sweep().await;
    let mut again = browser.at(&app.url).follow_reply(id, 0).await;
    again.read_to_end().await;
    let content = &again.ended().0.content;
    assert!(TEXT.starts_with(content.as_str()), "{content}");
}
