use std::env;
use std::process::Command;
use std::sync::Once;
use std::time::Duration;

use server::MoneyAudit;
use server::config::{DatabaseConfig, Env};
use server::store::Db;
use server::store::invariants::Finding;
use tokio::sync::OnceCell;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, NoTls, Row};
use url::Url;
use uuid::Uuid;

use super::waiting::until;

/// A database of its own for one test, cloned from a migrated template.
pub struct TestDatabase {
    name: String,
    /// For looking behind the scenes; the application has its own connections.
    client: Client,
}

/// The class of errors in which constraints are violated.
const CONSTRAINTS: &str = "23";

static TEMPLATE: OnceCell<String> = OnceCell::const_new();

/// Before anything connects to anywhere.
pub fn install_rustls() {
    static RUSTLS: Once = Once::new();
    RUSTLS.call_once(|| rustls::crypto::ring::default_provider().install_default().expect("once"));
}

impl TestDatabase {
    pub async fn create() -> Self {
        install_rustls();
        let template = TEMPLATE.get_or_init(create_template).await;
        let name = format!("test_{}", Uuid::now_v7().simple());
        let admin = connect(&server_url()).await;
        admin
            .batch_execute(&format!("create database {name} template {template}"))
            .await
            .expect("create database");
        let client = connect(&url_of(&name)).await;
        Self { name, client }
    }

    /// A copy of it, made as backups are made and restored.
    pub async fn dump_and_restore(&self) -> Self {
        let name = format!("test_{}", Uuid::now_v7().simple());
        let admin = connect(&server_url()).await;
        admin.batch_execute(&format!("create database {name}")).await.expect("create database");
        let file = tempfile();
        run("pg_dump", &["--format=custom", "--file", &file, url_of(&self.name).as_str()]);
        run("pg_restore", &["--exit-on-error", "--no-owner", "--dbname", url_of(&name).as_str(), &file]);
        std::fs::remove_file(&file).expect("it is there");
        let client = connect(&url_of(&name)).await;
        Self { name, client }
    }

    /// Where the application finds it: through PgBouncer when `TEST_DATABASE_VIA` says so.
    pub fn app_url(&self) -> String {
        let mut url = url_of(&self.name);
        if let Ok(via) = env::var("TEST_DATABASE_VIA") {
            let via: Url = via.parse().expect("TEST_DATABASE_VIA is a URL");
            url.set_port(via.port()).expect("a port");
            url.set_host(via.host_str()).expect("a host");
        }
        url.into()
    }

    pub async fn rows(&self, sql: &str) -> Vec<Row> {
        self.client.query(sql, &[]).await.expect("query")
    }

    /// The one number a query answers with.
    pub async fn number(&self, sql: &str) -> i64 {
        self.client.query_one(sql, &[]).await.expect("query").get(0)
    }

    pub async fn execute(&self, sql: &str) {
        self.client.batch_execute(sql).await.expect("statement");
    }

    /// Whether the database itself does not let this happen: a constraint or a trigger, not a mistake in the statement.
    pub async fn is_refused(&self, sql: &str) -> bool {
        let Err(error) = self.client.batch_execute(sql).await else { return false };
        // What began with it is over.
        self.execute("rollback").await;
        let code = error.code().map(SqlState::code).unwrap_or_default();
        assert!(
            code.starts_with(CONSTRAINTS) || code == SqlState::RAISE_EXCEPTION.code(),
            "{sql}: {error:?}"
        );
        true
    }

    /// From now on nothing can be written into the audit log.
    pub async fn refuse_audit_events(&self) {
        self.execute(
            "create function fail() returns trigger language plpgsql as $$ begin raise 'no more events'; end $$;
             create trigger fails before insert on audit_events for each row execute function fail()",
        )
        .await;
    }

    /// Waits until no connection is in the middle of anything.
    pub async fn quiet(&self) {
        let busy = "select count(*) from pg_stat_activity where datname = current_database() \
                    and pid <> pg_backend_pid() and state <> 'idle'";
        until(async || self.number(busy).await == 0).await;
    }

    /// Has everything counted that was read so far: by other connections, which are ended, and by this one. Otherwise it is
    /// counted a while later.
    pub async fn end_connections(&self) {
        self.quiet().await;
        let end = "with others as materialized (select pid from pg_stat_activity \
                   where datname = current_database() and pid <> pg_backend_pid()) \
                   select pid::bigint from others where pg_terminate_backend(pid)";
        let ended: Vec<i64> = self.rows(end).await.iter().map(|row| row.get(0)).collect();
        let left = format!("select count(*) from pg_stat_activity where pid = any('{{{ended:?}}}')")
            .replace(['[', ']'], "");
        until(async || self.number(&left).await == 0).await;
        self.execute("select pg_stat_force_next_flush()").await;
    }

    /// Waits until a connection waits for a row that another has locked.
    pub async fn waits_for_lock(&self) {
        let waiting = "select count(*) from pg_stat_activity where datname = current_database() \
                       and wait_event_type = 'Lock'";
        until(async || {
            // In a transaction, PostgreSQL would show the same moment again and again.
            self.execute("select pg_stat_clear_snapshot()").await;
            self.number(waiting).await > 0
        })
        .await;
    }

    /// What is found of every invariant of the money.
    async fn audit(&self) -> Vec<Finding> {
        let env: Env = [("DATABASE_URL".to_owned(), url_of(&self.name).into())].into_iter().collect();
        let settings = DatabaseConfig::from_env(&env).expect("settings");
        // However busy the machine is.
        let patience = Duration::from_secs(300);
        let config = DatabaseConfig { pool_wait: patience, statement_timeout: patience, ..settings };
        MoneyAudit::new(Db::new(&config)).run().await.expect("an audit")
    }

    /// As reported, those that do not hold.
    pub async fn broken_invariants(&self) -> Vec<String> {
        let findings = self.audit().await;
        findings.iter().filter(|finding| !finding.holds()).map(ToString::to_string).collect()
    }

    /// What must hold at every moment.
    pub async fn assert_consistent(&self) {
        let broken = self.broken_invariants().await;
        assert!(broken.is_empty(), "the money does not add up: {broken:?}");
    }

    /// What must hold when every reply has ended.
    pub async fn assert_no_open_holds(&self) {
        let open_holds = self.number("select count(*) from holds where state = 'pending'").await;
        assert_eq!(open_holds, 0, "holds are open at the end of the test");
    }

    pub async fn drop_now(self) {
        let admin = connect(&server_url()).await;
        admin
            .batch_execute(&format!("drop database if exists {} with (force)", self.name))
            .await
            .expect("drop database");
    }
}

async fn create_template() -> String {
    let name = format!("template_{}", std::process::id());
    let admin = connect(&server_url()).await;
    admin
        .batch_execute(&format!("drop database if exists {name} with (force)"))
        .await
        .expect("drop old template");
    admin.batch_execute(&format!("create database {name}")).await.expect("create template");
    let env: Env = [("DATABASE_URL".to_owned(), url_of(&name).into())].into_iter().collect();
    server::migrate(&DatabaseConfig::from_env(&env).expect("settings")).await.expect("migrate");
    name
}

fn tempfile() -> String {
    let path = env::temp_dir().join(format!("plumbline-{}.dump", Uuid::now_v7().simple()));
    path.to_str().expect("a path of letters").to_owned()
}

fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().expect("bin/setup installs it");
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
}

fn server_url() -> Url {
    let url = env::var("DATABASE_URL").expect("DATABASE_URL is not set: run bin/test integration");
    url.parse().expect("DATABASE_URL is a URL")
}

fn url_of(name: &str) -> Url {
    let mut url = server_url();
    url.set_path(name);
    url
}

async fn connect(url: &Url) -> Client {
    let (client, connection) =
        tokio_postgres::connect(url.as_str(), NoTls).await.expect("connect to PostgreSQL");
    tokio::task::spawn(connection);
    client
}
