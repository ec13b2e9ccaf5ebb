use std::env;
use std::path::Path;

use app::types::{Billing, Nanos, Quota};
use serde_json::{Value, json};
use server::config::Config;
use url::Url;
use uuid::Uuid;

use super::waiting::until;
use super::{Browser, Sandbox, TestApp, TestDatabase, location};

/// What the webhooks of a test are signed with.
pub const WEBHOOK_SECRET: &str = "whsec_test";

pub const GOOD_CARD: &str = "4242424242424242";

/// A server with an account of its own at the sandbox's Stripe, its prices made, its webhooks coming in and its jobs
/// being done.
pub struct Shop {
    pub app: TestApp,
    pub stripe: StripeAccount,
}

impl Shop {
    pub async fn open() -> Self {
        let shop = Self::without_webhooks().await;
        shop.stripe.send_webhooks_to(&shop.app.url).await;
        shop
    }

    /// The same with other settings.
    pub async fn open_with(change: impl FnOnce(&mut Config)) -> Self {
        let shop = Self::without_webhooks_with(change).await;
        shop.stripe.send_webhooks_to(&shop.app.url).await;
        shop
    }

    pub async fn without_webhooks() -> Self {
        Self::without_webhooks_with(|_| {}).await
    }

    /// One whose clock can be moved together with Stripe's.
    pub async fn with_clock() -> Self {
        let shop = Self::without_worker(TestDatabase::with_clock().await).await;
        shop.app.state.spawn_worker();
        shop.stripe.send_webhooks_to(&shop.app.url).await;
        shop
    }

    async fn without_webhooks_with(change: impl FnOnce(&mut Config)) -> Self {
        let shop = Self::without_worker_with(TestDatabase::create().await, change).await;
        shop.app.state.spawn_worker();
        shop
    }

    /// Neither webhooks come in nor are jobs done.
    pub async fn without_worker(database: TestDatabase) -> Self {
        Self::without_worker_with(database, |_| {}).await
    }

    async fn without_worker_with(database: TestDatabase, change: impl FnOnce(&mut Config)) -> Self {
        let key = format!("sk_test_{}", Uuid::now_v7().simple());
        let api_url = format!("{}/stripe/", env::var("SANDBOX_URL").expect("SANDBOX_URL is set"));
        let app = TestApp::with_database(
            database,
            &[
                ("STRIPE_SECRET_KEY", &key),
                ("STRIPE_API_URL", &api_url),
                ("STRIPE_WEBHOOK_SECRETS", WEBHOOK_SECRET),
            ],
            |config| {
                config.llm.catalog.models.truncate(1);
                change(config);
            },
        )
        .await;
        let synced = app.command().args(["stripe", "sync"]).output().expect("it runs");
        assert!(synced.status.success(), "{}", String::from_utf8_lossy(&synced.stderr));
        let pages = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build();
        let (http, pages) = (reqwest::Client::new(), pages.expect("a client"));
        Self { app, stripe: StripeAccount { sandbox: Sandbox::find(), key, http, pages } }
    }

    /// Waits until every webhook has come in and what it causes is done, but for what is due later.
    pub async fn settle(&self) {
        self.stripe.settle().await;
        self.finish("sync_customer").await;
    }

    /// Waits until the jobs of this kind that are due are done.
    pub async fn finish(&self, kind: &str) {
        let waiting = format!(
            "select count(*), coalesce(max(last_error) filter (where attempt > 2), '') from jobs
             where kind = '{kind}' and state in ('ready', 'running')
             and (state = 'running' or attempt > 0 or run_at <= clock_timestamp())"
        );
        until(async || {
            let row = &self.app.database().rows(&waiting).await[0];
            assert_eq!(row.get::<_, String>(1), "", "a job fails again and again");
            row.get::<_, i64>(0) == 0
        })
        .await;
    }

    /// Has everything compared with Stripe, as happens every hour.
    pub async fn reconcile(&self) {
        self.run_job("reconcile_billing").await;
    }

    /// Has a job of this kind done, beside those that are due by the clock.
    pub async fn run_job(&self, kind: &str) {
        self.run_job_to(kind, "done").await;
    }

    /// The same, until it is in this state.
    pub async fn run_job_to(&self, kind: &str, state: &str) {
        let id = Uuid::now_v7();
        let due = format!(
            "insert into jobs (id, kind, payload, max_attempts) values ('{id}', '{kind}', 'null', 1);
             notify plumbline_jobs"
        );
        self.app.database().execute(&due).await;
        let ended =
            format!("select state, last_error from jobs where id = '{id}' and state in ('done', 'dead')");
        until(async || !self.app.database().rows(&ended).await.is_empty()).await;
        let row = &self.app.database().rows(&ended).await[0];
        let (ended, error): (String, Option<String>) = (row.get(0), row.get(1));
        assert_eq!(ended, state, "{kind}: {error:?}");
    }

    /// Moves both clocks, ours first: whatever Stripe says has happened, has happened.
    pub async fn advance_days(&self, days: i64) {
        self.app.database().advance_days(days).await;
        self.stripe.advance_days(days).await;
        self.settle().await;
    }

    /// An account, with a customer at Stripe, to whom nobody has to sign in.
    pub async fn account(&self) -> String {
        let customer = self.stripe.post("customers", &[("email", "person@example.com")]).await;
        let customer = customer["id"].as_str().expect("an id").to_owned();
        let account = format!(
            "insert into accounts (id, plan, stripe_customer_id) values (gen_random_uuid(), 'free', '{customer}')"
        );
        self.app.database().execute(&account).await;
        customer
    }

    /// A subscription to Pro, paid by the month with a good card.
    pub async fn subscribe_customer(&self, customer: &str) {
        self.subscribe_customer_to(customer, "plumbline_pro_month").await;
    }

    /// The same to what has this lookup key.
    pub async fn subscribe_customer_to(&self, customer: &str, lookup_key: &str) {
        let price = self.stripe.price_id(lookup_key).await;
        let fields = [
            ("mode", "subscription"),
            ("customer", customer),
            ("line_items[0][price]", &price),
            ("line_items[0][quantity]", "1"),
            ("success_url", "http://localhost/"),
        ];
        let session = self.stripe.post("checkout/sessions", &fields).await;
        let page = session["url"].as_str().unwrap_or_else(|| panic!("{session}"));
        self.stripe.pay(page, GOOD_CARD).await.expect("a good card");
    }

    /// Somebody who has subscribed with a good card, and their customer at Stripe.
    pub async fn subscriber(&self, plan: &str, interval: &str) -> (Browser, String) {
        let browser = self.app.user().await;
        self.subscribe(&browser, plan, interval).await;
        self.settle().await;
        let customer = self.newest_customer_id().await;
        (browser, customer)
    }

    /// Goes to Stripe's page and pays; the page that one is sent back to.
    pub async fn subscribe(&self, browser: &Browser, plan: &str, interval: &str) -> Url {
        let page = begin(browser, "billing/begin_checkout", &[("plan", plan), ("interval", interval)]).await;
        self.stripe.pay(&page, GOOD_CARD).await.expect("a good card")
    }

    /// The customer at Stripe of whoever came last.
    pub async fn newest_customer_id(&self) -> String {
        let rows = self
            .app
            .database()
            .rows("select stripe_customer_id from accounts order by created_at desc")
            .await;
        rows.first().expect("an account").get(0)
    }

    pub async fn number(&self, sql: &str) -> i64 {
        self.app.database().number(sql).await
    }

    /// Everything that is kept about paying and credit, but for when and how often it was written.
    pub async fn books(&self) -> Value {
        let rows = self
            .app
            .database()
            .rows(
                "select jsonb_build_object(
                    'plans', (select jsonb_agg(plan order by id) from accounts),
                    'subscriptions', (select jsonb_agg(to_jsonb(s) - 'account_id' order by s.id) from subscriptions s),
                    'invoices', (select jsonb_agg(to_jsonb(i) - 'account_id' order by i.id) from invoices i),
                    'purchases', (select jsonb_agg(to_jsonb(p) - 'account_id' order by p.id) from purchases p),
                    'credit', (select jsonb_object_agg(cause, amount_nanos) from ledger_entries
                        where cause not like 'expiry:%' and cause not like 'free:%'))::text",
            )
            .await;
        serde_json::from_str(rows[0].get(0)).expect("JSON")
    }
}

/// The address a form leads to.
pub async fn begin(browser: &Browser, function: &str, fields: &[(&str, &str)]) -> String {
    let response = browser
        .request(reqwest::Method::POST, &format!("/api/{function}"))
        .header("accept", "text/html")
        .form(fields)
        .send()
        .await
        .expect("an answer");
    assert!(response.status().is_redirection(), "{function} answered {}", response.status());
    location(&response)
}

pub async fn billing(browser: &Browser) -> Billing {
    browser.value("billing/read_billing", &[]).await
}

pub async fn available(browser: &Browser) -> Nanos {
    let quota: Quota = browser.value("quota/read_quota", &[]).await;
    quota.credit.available
}

/// An account at the sandbox's Stripe.
pub struct StripeAccount {
    sandbox: Sandbox,
    key: String,
    http: reqwest::Client,
    /// For Stripe's pages: it follows nothing.
    pages: reqwest::Client,
}

impl StripeAccount {
    pub async fn get(&self, path: &str) -> Value {
        let request = self.http.get(format!("{}/stripe/v1/{path}", self.sandbox.url)).bearer_auth(&self.key);
        request.send().await.expect("an answer").json().await.expect("JSON")
    }

    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Value {
        let request = self.http.post(format!("{}/stripe/v1/{path}", self.sandbox.url)).bearer_auth(&self.key);
        request.form(fields).send().await.expect("an answer").json().await.expect("JSON")
    }

    pub async fn delete(&self, path: &str) {
        let request =
            self.http.delete(format!("{}/stripe/v1/{path}", self.sandbox.url)).bearer_auth(&self.key);
        assert!(request.send().await.expect("an answer").status().is_success());
    }

    pub async fn price_id(&self, lookup_key: &str) -> String {
        let prices = self.list(&format!("prices?lookup_keys[0]={lookup_key}")).await;
        prices[0]["id"].as_str().expect("an id").to_owned()
    }

    /// The objects of a list, page by page, newest first.
    pub async fn list_all(&self, path: &str) -> Vec<Value> {
        let mut all: Vec<Value> = Vec::new();
        loop {
            let after =
                all.last().and_then(|last| last["id"].as_str()).map(|id| format!("&starting_after={id}"));
            let page = self.list(&format!("{path}?limit=100{}", after.unwrap_or_default())).await;
            if page.is_empty() {
                return all;
            }
            all.extend(page);
        }
    }

    /// The objects of a list, newest first.
    pub async fn list(&self, path: &str) -> Vec<Value> {
        let list = self.get(path).await;
        list["data"].as_array().unwrap_or_else(|| panic!("{path} answered {list}")).clone()
    }

    pub async fn control(&self, path: &str, body: Value) -> Value {
        let url = format!("{}/control/stripe/{}/{path}", self.sandbox.url, self.key);
        let method = if path == "webhooks/faults" { reqwest::Method::PUT } else { reqwest::Method::POST };
        let answer = self.http.request(method, url).json(&body).send().await.expect("an answer");
        assert!(answer.status().is_success(), "{path} answered {}", answer.status());
        answer.json().await.unwrap_or_default()
    }

    pub async fn read_control(&self, path: &str) -> Value {
        let url = format!("{}/control/stripe/{}/{path}", self.sandbox.url, self.key);
        self.http.get(url).send().await.expect("an answer").json().await.expect("JSON")
    }

    pub async fn end_outage(&self) {
        let url = format!("{}/control/stripe/{}/outage", self.sandbox.url, self.key);
        assert!(self.http.delete(url).send().await.expect("an answer").status().is_success());
    }

    async fn send_webhooks_to(&self, app: &Url) {
        let url = app.join("webhooks/stripe").expect("a path");
        self.control("webhooks/endpoints", json!({ "url": url, "secret": WEBHOOK_SECRET })).await;
    }

    /// Waits until every webhook has come in.
    pub async fn settle(&self) {
        self.control("webhooks/settle", json!({})).await;
    }

    pub async fn advance_days(&self, days: i64) {
        self.control("advance", json!({ "days": days, "settle": true })).await;
    }

    /// How the customer's payments go from now on; None: as their card does.
    pub async fn set_card_mode(&self, customer: &str, mode: Option<&str>) {
        self.control("cards", json!({ "customer": customer, "mode": mode })).await;
    }

    /// Pays on one of Stripe's pages; where one is sent then. None: the card was refused, or the page is closed.
    pub async fn pay(&self, page: &str, card: &str) -> Option<Url> {
        let form = [("card", card), ("email", "person@example.com"), ("name", "A Person")];
        let answer = self.pages.post(page).form(&form).send().await.expect("an answer");
        answer.status().is_redirection().then(|| location(&answer).parse().expect("a URL"))
    }
}

/// The id of the checkout session on the page that one is sent back to.
pub fn session_id(back: &Url) -> String {
    let (_, id) = back.query_pairs().find(|(name, _)| name == "session").expect("a session");
    id.into_owned()
}

/// The id at the end of a page's address.
pub fn id_of_page(page: &str) -> String {
    let url: Url = page.parse().expect("a URL");
    Path::new(url.path()).file_name().and_then(|name| name.to_str()).expect("an id").to_owned()
}
