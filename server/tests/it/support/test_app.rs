use std::env;
use std::fs::{self, File};
use std::io::{Read, Seek};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value;
use server::config::{Config, Env, RedisConfig};
use server::{AppState, build_router};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use url::Url;
use uuid::Uuid;

use super::waiting::until;
use super::{Browser, Sandbox, TestDatabase};

/// One server with a database and a Redis prefix of its own. Dropping it audits the money and
/// checks that no hold is open; a test about crashes calls [`TestApp::expect_open_holds`].
pub struct TestApp {
    pub url: Url,
    pub state: AppState,
    pub sandbox: Sandbox,
    pub env: Vec<(String, String)>,
    config: Config,
    database: Option<TestDatabase>,
    may_leave_holds: bool,
}

/// Tests sweep when they want to.
const NEVER: Duration = Duration::from_secs(86_400);

impl TestApp {
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// A server with other settings than the usual ones.
    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::with_env(&[], |config| {
            // One route, unless a test is about several.
            config.llm.catalog.models[0].routes.truncate(1);
            change(config);
        })
        .await
    }

    /// The same with other variables, and every route of the catalog.
    pub async fn with_env(variables: &[(&str, &str)], change: impl FnOnce(&mut Config)) -> Self {
        Self::with_database(TestDatabase::create().await, variables, change).await
    }

    /// The same with a database that was made ready for the test.
    pub async fn with_database(
        database: TestDatabase,
        variables: &[(&str, &str)],
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let (listener, url) = listen().await;
        let sandbox = Sandbox::find();
        let mut env = settings(&url, &database, &sandbox);
        env.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let mut config = Config::from_env(&env.iter().cloned().collect::<Env>()).expect("settings");
        change(&mut config);
        let state = serve(listener, config.clone());
        Self { url, state, sandbox, env, config, database: Some(database), may_leave_holds: false }
    }

    /// Another server beside this one, sharing PostgreSQL and Redis.
    pub async fn another_server(&self) -> Url {
        self.another_server_with(|_| {}).await
    }

    /// The same with other settings.
    pub async fn another_server_with(&self, change: impl FnOnce(&mut Config)) -> Url {
        self.another_server_and_state(change).await.0
    }

    /// The same, with what it runs on.
    pub async fn another_server_and_state(&self, change: impl FnOnce(&mut Config)) -> (Url, AppState) {
        let (listener, url) = listen().await;
        (url, serve(listener, self.changed_config(change)))
    }

    /// What another server would run on; it listens nowhere.
    pub fn another_state(&self, change: impl FnOnce(&mut Config)) -> AppState {
        AppState::new(self.changed_config(change)).expect("a state")
    }

    /// Another server whose every task can be dropped where it is.
    pub async fn doomed_server(&self, change: impl FnOnce(&mut Config)) -> DoomedServer {
        let config = self.changed_config(change);
        let runtime = Runtime::new().expect("a runtime");
        let serving = runtime.spawn(async move {
            let (listener, url) = listen().await;
            serve(listener, config);
            url
        });
        let url = serving.await.expect("it starts");
        DoomedServer { url, runtime: Some(runtime) }
    }

    fn changed_config(&self, change: impl FnOnce(&mut Config)) -> Config {
        let mut config = self.config.clone();
        change(&mut config);
        config
    }

    /// Waits until it has noticed that its connections were ended.
    pub async fn is_ready(&self) {
        let probe = self.url.join("health/ready").expect("a path");
        until(async || reqwest::get(probe.clone()).await.is_ok_and(|answer| answer.status().is_success()))
            .await;
    }

    /// What `/health/ready` answers.
    pub async fn readiness(&self) -> (StatusCode, Value) {
        let answer = self.browser().get("/health/ready").await;
        (answer.status(), answer.json().await.expect("JSON"))
    }

    pub fn browser(&self) -> Browser {
        Browser::new(&self.url)
    }

    /// A person who has just signed in for the first time.
    pub async fn user(&self) -> Browser {
        let mut browser = self.browser();
        browser.sign_in(&format!("person-{}", Uuid::now_v7().simple())).await;
        browser
    }

    /// An operator who has just signed in for the first time.
    pub async fn operator(&self) -> Browser {
        let browser = self.user().await;
        let make = format!("update users set is_operator = true where id = '{}'", self.newest_user().await);
        self.database().execute(&make).await;
        browser
    }

    /// The id of whoever signed in last.
    pub async fn newest_user(&self) -> String {
        let rows = self.database().rows("select user_id::text from sessions order by id desc limit 1").await;
        rows.first().expect("a session").get(0)
    }

    pub fn database(&self) -> &TestDatabase {
        self.database.as_ref().expect("there until the end")
    }

    /// Connections as the application makes them.
    pub fn db(&self) -> server::store::Db {
        server::store::Db::new(&self.config.database)
    }

    pub async fn redis(&self) -> redis::aio::MultiplexedConnection {
        let client = redis::Client::open(self.setting("REDIS_URL")).expect("a URL");
        client.get_multiplexed_async_connection().await.expect("Redis")
    }

    /// A variable this server was started with.
    pub fn setting(&self, name: &str) -> &str {
        &self.env.iter().find(|(key, _)| key == name).expect("set").1
    }

    /// Where it keeps what may be lost, such as the logs of replies.
    pub fn redis_config(&self) -> RedisConfig {
        self.config.redis.clone()
    }

    pub fn expect_open_holds(&mut self) {
        self.may_leave_holds = true;
    }

    /// The real binary, with this server's settings.
    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plumbline"));
        command.envs(self.env.iter().cloned()).env("RUST_LOG", "warn");
        command
    }

    /// Another server as a process of its own, sharing PostgreSQL and Redis, with further variables set.
    pub fn spawn_process(&self, variables: &[(&str, &str)]) -> ServerProcess {
        self.spawn(Command::new(env!("CARGO_BIN_EXE_plumbline")).arg("serve"), variables)
    }

    /// The same for a process that runs no jobs.
    pub fn spawn_without_worker(&self, variables: &[(&str, &str)]) -> ServerProcess {
        let arguments = ["serve", "--without-worker"];
        self.spawn(Command::new(env!("CARGO_BIN_EXE_plumbline")).args(arguments), variables)
    }

    /// The same for a process that only runs jobs.
    pub fn spawn_worker(&self, variables: &[(&str, &str)]) -> ServerProcess {
        self.spawn(Command::new(env!("CARGO_BIN_EXE_plumbline")).arg("work"), variables)
    }

    /// The same, with a clock that is off by some seconds, such as `+120s`.
    pub fn spawn_process_with_clock(&self, offset: &str, variables: &[(&str, &str)]) -> ServerProcess {
        // faketime will not start while files in its process's number are there, and one that was killed left its own.
        let script = r#"rm -f /dev/shm/*faketime_*_$$; exec faketime --exclude-monotonic -f "$@""#;
        let arguments = ["-c", script, "sh", offset, env!("CARGO_BIN_EXE_plumbline"), "serve"];
        self.spawn(Command::new("sh").args(arguments), variables)
    }

    fn spawn(&self, command: &mut Command, variables: &[(&str, &str)]) -> ServerProcess {
        let (port, log) = (free_port(), nameless_file());
        let child = command
            .envs(self.env.iter().cloned())
            .envs(variables.iter().copied())
            .env("LISTEN_ADDR", format!("127.0.0.1:{port}"))
            .stderr(log.try_clone().expect("a second handle"))
            // faketime runs it as a child of its own: both must go together.
            .process_group(0)
            .spawn()
            .expect("the server starts");
        let url = format!("http://127.0.0.1:{port}/").parse().expect("a URL");
        ServerProcess { child, log, url }
    }
}

async fn listen() -> (TcpListener, Url) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address")).parse().expect("a URL");
    (listener, url)
}

fn serve(listener: TcpListener, config: Config) -> AppState {
    let state = AppState::new(config).expect("a state");
    state.spawn_background(NEVER);
    let router = build_router(&state).into_make_service_with_connect_info::<SocketAddr>();
    tokio::task::spawn(async move { axum::serve(listener, router).await });
    state
}

fn settings(url: &Url, database: &TestDatabase, sandbox: &Sandbox) -> Vec<(String, String)> {
    let base = &sandbox.url;
    [
        ("PUBLIC_URL", url.to_string()),
        ("DATABASE_URL", database.app_url()),
        ("REDIS_URL", env::var("REDIS_URL").expect("REDIS_URL is not set: run bin/test integration")),
        ("REDIS_KEY_PREFIX", format!("test:{}:", Uuid::now_v7().simple())),
        ("LEPTOS_SITE_ROOT", concat!(env!("CARGO_MANIFEST_DIR"), "/../public").to_owned()),
        ("OIDC_NAME", "Sandbox".to_owned()),
        ("OIDC_ISSUER", format!("{base}/oidc")),
        ("OIDC_CLIENT_ID", "plumbline".to_owned()),
        ("OIDC_CLIENT_SECRET", "sandbox-secret".to_owned()),
        ("GITHUB_CLIENT_ID", "plumbline".to_owned()),
        ("GITHUB_CLIENT_SECRET", "sandbox-secret".to_owned()),
        ("GITHUB_URL", format!("{base}/github")),
        ("GITHUB_API_URL", format!("{base}/github/api")),
        ("MODEL_CATALOG", concat!(env!("CARGO_MANIFEST_DIR"), "/../end2end/catalog.toml").to_owned()),
        ("SANDBOX_URL", base.clone()),
        (
            "SMTP_URL",
            env::var("SANDBOX_SMTP_URL").expect("SANDBOX_SMTP_URL is not set: run bin/test integration"),
        ),
        ("MAIL_FROM", "Plumbline <hello@plumbline.example>".to_owned()),
        ("SANDBOX_FIRST_API_KEY", "sandbox-key".to_owned()),
        ("SANDBOX_SECOND_API_KEY", "sandbox-key-second".to_owned()),
        ("FREE_REQUESTS_PER_MINUTE", "50".to_owned()),
        ("FREE_CONCURRENT_REPLIES", "5".to_owned()),
        ("FREE_TOKENS_PER_MINUTE", "100000000".to_owned()),
        ("SIGN_IN_ATTEMPTS_PER_MINUTE", "10000".to_owned()),
        ("ANONYMOUS_REQUESTS_PER_MINUTE", "100000".to_owned()),
        ("ACCOUNT_REQUESTS_PER_MINUTE", "100000".to_owned()),
        ("BILLING_REQUESTS_PER_MINUTE", "10000".to_owned()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

impl Drop for TestApp {
    fn drop(&mut self) {
        let Some(database) = self.database.take() else { return };
        let is_failing = std::thread::panicking();
        let may_leave_holds = self.may_leave_holds;
        // A thread with a runtime of its own: dropping cannot wait for a future.
        let check = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                if !is_failing {
                    database.assert_consistent().await;
                }
                if !is_failing && !may_leave_holds {
                    database.assert_no_open_holds().await;
                }
                database.drop_now().await;
            });
        });
        if check.join().is_err() && !is_failing {
            panic!("the test left something behind, see above");
        }
    }
}

/// A server in a runtime of its own.
pub struct DoomedServer {
    pub url: Url,
    runtime: Option<Runtime>,
}

impl DoomedServer {
    /// Drops every task where it waits.
    pub fn abort(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for DoomedServer {
    fn drop(&mut self) {
        self.abort();
    }
}

/// A server in a process that can be killed.
pub struct ServerProcess {
    child: Child,
    log: File,
    pub url: Url,
}

impl ServerProcess {
    /// Waits until it answers, for as long as it runs.
    pub async fn ready(&mut self) {
        let url = self.url.join("health/live").expect("a path");
        until(async || {
            let ended = self.child.try_wait().expect("a child");
            assert!(ended.is_none(), "the server ended, having said: {}", self.log());
            reqwest::get(url.clone()).await.is_ok()
        })
        .await;
    }

    /// What it has logged so far.
    pub fn log(&mut self) -> String {
        let mut text = String::new();
        self.log.rewind().expect("a file");
        self.log.read_to_string(&mut text).expect("text");
        text
    }

    /// As `kill -9` does.
    pub fn kill(&mut self) {
        self.signal("-KILL");
        self.child.wait().expect("its end");
    }

    /// As whoever runs it does to replace it.
    pub fn terminate(&self) {
        self.signal("-TERM");
    }

    /// Waits until it says that it stops: it must not just go away.
    pub async fn unready(&self) {
        let url = self.url.join("health/ready").expect("a path");
        let is_ready =
            async || reqwest::get(url.clone()).await.expect("it still answers").status().is_success();
        until(async || !is_ready().await).await;
    }

    /// Waits for its end.
    pub fn exit_status(&mut self) -> ExitStatus {
        self.child.wait().expect("its end")
    }

    fn signal(&self, signal: &str) {
        let group = format!("-{}", self.child.id());
        Command::new("kill").args([signal, "--", &group]).status().expect("kill");
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.kill();
        }
    }
}

/// Gone as soon as nobody has it open.
fn nameless_file() -> File {
    let path = env::temp_dir().join(Uuid::now_v7().simple().to_string());
    let file = File::options().create_new(true).read(true).append(true).open(&path).expect("a file");
    fs::remove_file(path).expect("removed");
    file
}

/// A port that nobody listens on: each only once, and below the range that outgoing connections use. Two runs of the tests
/// begin at different ones.
pub fn free_port() -> u16 {
    static TRIED: AtomicU16 = AtomicU16::new(0);
    let first = std::process::id() as u16;
    loop {
        let port = 10_000 + first.wrapping_add(TRIED.fetch_add(1, Ordering::Relaxed)) % 10_000;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
