//! Whatever an operator does and its row of the audit log come together or not at all. What is done to people is tested
//! beside what it does (`interventions.rs`).

use app::types::{BreakerState, ProviderReport};
use uuid::Uuid;

use super::access::functions;
use crate::billing::webhooks::{deliver, sign};
use crate::support::{Browser, Shop, TestApp, TestDatabase};

/// What only reads. Everything else has to leave a row.
const READS: &[&str] = &[
    "audit/list",
    "figures/read_overview",
    "figures/report",
    "jobs/list",
    "providers/read",
    "stripe/list_events",
    "stripe/read_event",
    "stripe/read_report",
    "system/read",
];

/// A model and a route that come after others, a dead job, and usage that Stripe has refused.
fn something_to_do(job: Uuid) -> String {
    format!(
        "insert into models (key, name, description, context_tokens, max_output_tokens, min_output_tokens, position,
             is_enabled)
         select 'another', name, description, context_tokens, max_output_tokens, min_output_tokens, position + 1, true
         from models limit 1;
         insert into model_routes (key, model_key, position, provider, base_url, upstream_model, api_key_variable,
             input_nanos_per_million, cached_input_nanos_per_million, output_nanos_per_million, is_enabled)
         select 'another-route', model_key, position + 1, provider, base_url, upstream_model, api_key_variable,
             input_nanos_per_million, cached_input_nanos_per_million, output_nanos_per_million, true
         from model_routes order by position desc limit 1;
         insert into jobs (id, kind, payload, state, max_attempts, finished_at)
         values ('{job}', 'sync_customer', '{{}}', 'dead', 5, now());
         set session_replication_role = replica;
         insert into meter_events (id, account_id, amount_nanos, units, occurred_at, period_start, limit_nanos, refused_at)
         select '{job}', id, 1000, 1, now(), now(), 1000, now() from accounts limit 1;
         set session_replication_role = default"
    )
}

/// A fingerprint of everything there is, but for the numbers of requests that failed.
async fn everything(database: &TestDatabase) -> Vec<String> {
    let tables = "select table_name::text from information_schema.tables
        where table_schema = 'public' and table_type = 'BASE TABLE' and table_name <> 'failed_requests' order by 1";
    let mut prints = Vec::new();
    for row in database.rows(tables).await {
        let table: String = row.get(0);
        let sql =
            format!("select md5(coalesce(string_agg(t::text, '|' order by t::text), '')) from {table} t");
        prints.push(format!("{table}: {}", database.rows(&sql).await[0].get::<_, String>(0)));
    }
    prints
}

async fn breaker(operator: &Browser, route: &str) -> Option<BreakerState> {
    let models: Vec<ProviderReport> = operator.value("admin/providers/read", &[]).await;
    let route = models.iter().flat_map(|model| &model.routes).find(|known| known.key == route);
    route.expect("the route").breaker
}

/// (39)
#[tokio::test(flavor = "multi_thread")]
async fn nothing_at_all_is_changed_when_it_cannot_be_written_down() {
    let shop = Shop::without_worker(TestDatabase::create().await).await;
    let customer = shop.account().await;
    shop.subscribe_customer(&customer).await;
    let event = shop.stripe.list("events?type=invoice.paid").await[0].clone();
    let (event_id, body) = (event["id"].as_str().expect("an id"), event.to_string());
    assert_eq!(deliver(&shop.app.url, &body, &sign(&body, 0)).await, 200);
    shop.app.database().execute("delete from jobs").await;
    let operator = shop.app.operator().await;
    // The catalog is there from its first reading on.
    let model = &operator.value::<Vec<ProviderReport>>("admin/providers/read", &[]).await[0];
    let job = Uuid::now_v7();
    shop.app.database().execute(&something_to_do(job)).await;
    let prices = [("input", "4"), ("cached_input", "0.5"), ("output", "12"), ("from", "2100-01-01T00:00")];
    let of_model = [("model", model.key.as_str()), ("reason", "a new contract")];
    let added = operator.call("admin/providers/add_prices", &[&prices[..], &of_model].concat()).await;
    assert_eq!(added.status(), 200);
    let version = (model.price_version + 1).to_string();
    shop.app.database().refuse_audit_events().await;

    let job = job.to_string();
    let before = everything(shop.app.database()).await;
    for function in functions() {
        let function = function.trim_start_matches("/api/admin/");
        if READS.contains(&function) || function.starts_with("people/") {
            continue;
        }
        let (model, id) = match function {
            "providers/move_model_up" => ("another", &*job),
            "stripe/replay_event" => (&*model.key, event_id),
            _ => (&*model.key, &*job),
        };
        let fields = [("id", id), ("model", model), ("route", "another-route"), ("version", &version)];
        let others = [("is_off", "true"), ("switch", "read_only"), ("is_on", "true"), ("reason", "a test")];
        let fields = [&fields[..], &others, &prices].concat();
        let answer = operator.call(&format!("admin/{function}"), &fields).await;
        let status = answer.status();
        assert_eq!(status, 500, "{function}: {}", answer.text().await.unwrap_or_default());
        assert_eq!(everything(shop.app.database()).await, before, "{function}");
        assert_eq!(breaker(&operator, "another-route").await, Some(BreakerState::Closed), "{function}");
    }
    // No ledger entry is behind it.
    let forget = "set session_replication_role = replica; delete from meter_events;
        set session_replication_role = default";
    shop.app.database().execute(forget).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_is_as_it_was_when_its_row_of_the_log_cannot_be_committed() {
    let app = TestApp::start().await;
    let operator = app.operator().await;
    let models: Vec<ProviderReport> = operator.value("admin/providers/read", &[]).await;
    let route = models[0].routes[0].key.as_str();
    let late = "create function fail() returns trigger language plpgsql as $$ begin raise 'too late'; end $$;
        create constraint trigger fails after insert on audit_events deferrable initially deferred
            for each row execute function fail()";
    app.database().execute(late).await;
    assert_eq!(operator.call("admin/providers/close_route", &[("route", route)]).await.status(), 500);
    assert_eq!(breaker(&operator, route).await, Some(BreakerState::Closed));

    app.database().execute("drop trigger fails on audit_events").await;
    assert_eq!(operator.call("admin/providers/close_route", &[("route", route)]).await.status(), 200);
    app.database().execute(&late.replace("create function", "create or replace function")).await;
    assert_eq!(operator.call("admin/providers/reopen_route", &[("route", route)]).await.status(), 500);
    assert_eq!(breaker(&operator, route).await, Some(BreakerState::Held));
}
