//! `bin/bench telemetry`: what it costs the server to tell about itself.

use std::time::Duration;

use futures::future::try_join_all;
use reqwest::{Client, RequestBuilder, Response};
use serde_json::json;
use url::Url;
use uuid::Uuid;

use crate::person::Person;
use crate::script::Script;
use crate::server::{Server, ServerArguments};
use crate::stats::median;
use crate::upstream::Upstream;
use crate::{NO_LIMITS, Result, clock, say, setting};

/// Requests at a time: one for each of so many people.
const PEOPLE: usize = 4;

/// So many go to one server, then as many to the other: what else happens on the machine meets both.
const TURN: usize = 100;

/// A short answer.
const CHUNKS: u32 = 50;

/// What is sent in batches has been sent by then.
const BATCH: Duration = Duration::from_secs(6);

/// Measures what metrics, traces and reports of faults cost a request
///
/// Two servers take turns: a silent one, and one that serves metrics, which are fetched every five seconds, sends every trace
/// to the sandbox and has Sentry set up, as for a fault that does not come. Both answer the same requests, four at a time: the
/// pricing page, and a reply of 50 chunks, read to its end. The processor time of each server is divided by its requests,
/// that of its tidying up and sending included.
///
/// The last line has the medians over the rounds, in microseconds.
#[derive(clap::Args)]
pub struct Arguments {
    /// How many of each every server answers in each round
    #[arg(long, default_value_t = 2000)]
    requests: usize,
    /// How often that is measured
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    #[command(flatten)]
    server: ServerArguments,
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
enum Request {
    Page,
    Reply,
}

pub async fn run(arguments: &Arguments) -> Result<()> {
    let bench = Bench::prepare(arguments).await?;
    let mut figures = Vec::new();
    for (name, request) in [("page", Request::Page), ("reply", Request::Reply)] {
        let [mut silent, mut telling, mut added] = [(); 3].map(|()| Vec::new());
        for round in 1..=arguments.rounds {
            let [without, with] = bench.measure(request).await?;
            say(&format!("round {round}: {without:.0} µs a {name}, with telemetry {with:.0}"));
            silent.push(without);
            telling.push(with);
            added.push(with - without);
        }
        for (what, values) in [("silent", &mut silent), ("telling", &mut telling), ("added", &mut added)] {
            figures.push(format!("{name}_cpu_us_{what}={:.0}", median(values)));
        }
    }
    say(&figures.join(" "));
    Ok(())
}

/// Everything on, told to the sandbox.
fn telling_settings() -> Result<Vec<(&'static str, String)>> {
    let sandbox = setting("SANDBOX_URL")?;
    let public_key = "bench";
    Ok(vec![
        ("METRICS_ADDR", setting("BENCH_METRICS_ADDR")?),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", format!("{sandbox}/otlp")),
        ("SENTRY_DSN", sandbox.replacen("://", &format!("://{public_key}@"), 1) + "/sentry/1"),
    ])
}

struct Bench<'a> {
    arguments: &'a Arguments,
    http: Client,
    people: Vec<Person>,
    _upstream: Upstream,
}

/// One of the two servers.
struct Subject {
    server: Server,
    url: Url,
}

impl<'a> Bench<'a> {
    async fn prepare(arguments: &'a Arguments) -> Result<Self> {
        let http = Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
        let _upstream = Upstream::start(setting("BENCH_UPSTREAM_PORT")?.parse()?)?;
        let _running = Server::start(&arguments.server, &http, &NO_LIMITS).await?;
        let mut people = Vec::new();
        for number in 0..PEOPLE {
            let name = format!("asker-{number}");
            people.push(Person::sign_in(&http, &arguments.server.public_url, &name).await?);
        }
        Ok(Self { arguments, http, people, _upstream })
    }

    /// Microseconds of processor time a request: of the silent server, and of the other.
    async fn measure(&self, request: Request) -> Result<[f64; 2]> {
        let silent = self.start(&self.arguments.server.public_url, &[]).await?;
        let other_url: Url = setting("BENCH_OTHER_URL")?.parse()?;
        let telling = self.start(&other_url, &telling_settings()?).await?;
        let metrics = format!("http://{}/metrics", setting("BENCH_METRICS_ADDR")?);
        tokio::select! {
            measured = self.take_turns(request, [&silent, &telling]) => measured,
            failed = self.fetch_metrics(&metrics) => failed,
        }
    }

    async fn start(&self, url: &Url, settings: &[(&str, String)]) -> Result<Subject> {
        let mut arguments = self.arguments.server.clone();
        arguments.public_url = url.clone();
        let listen_addr = url.authority().replace("localhost", "127.0.0.1");
        let address = [("PUBLIC_URL", url.as_str()), ("LISTEN_ADDR", &listen_addr)];
        let settings = settings.iter().map(|(name, value)| (*name, value.as_str()));
        let settings: Vec<_> = NO_LIMITS.into_iter().chain(address).chain(settings).collect();
        let server = Server::start(&arguments, &self.http, &settings).await?;
        Ok(Subject { server, url: url.clone() })
    }

    /// After a turn of each that does not count.
    async fn take_turns(&self, request: Request, servers: [&Subject; 2]) -> Result<[f64; 2]> {
        for subject in servers {
            self.ask_all(request, &subject.url).await?;
        }
        let before = [servers[0].server.cpu_time()?, servers[1].server.cpu_time()?];
        let turns = self.arguments.requests.div_ceil(TURN);
        for _ in 0..turns {
            for subject in servers {
                self.ask_all(request, &subject.url).await?;
            }
        }
        tokio::time::sleep(BATCH).await;
        let of = |index: usize| -> Result<f64> {
            let used = servers[index].server.cpu_time()? - before[index];
            Ok(used.as_secs_f64() * 1e6 / (turns * TURN) as f64)
        };
        Ok([of(0)?, of(1)?])
    }

    /// As Prometheus does, for as long as it is let.
    async fn fetch_metrics<T>(&self, url: &str) -> Result<T> {
        loop {
            tokio::time::sleep(Duration::from_secs(5)).await;
            read(self.http.get(url).send().await?).await?;
        }
    }

    /// A turn, each person one request after the other.
    async fn ask_all(&self, request: Request, url: &Url) -> Result<()> {
        let each = self.people.iter().map(async |person| {
            for _ in 0..TURN / PEOPLE {
                read(self.ask(person, request, url)?.send().await?).await?;
            }
            Result::Ok(())
        });
        try_join_all(each).await?;
        Ok(())
    }

    fn ask(&self, person: &Person, request: Request, url: &Url) -> Result<RequestBuilder> {
        match request {
            Request::Page => Ok(person.page(&self.http, url.join("pricing")?)),
            Request::Reply => {
                let target = json!({ "kind": "new_thread", "prompt": short_answer().to_string() });
                let request = json!({ "client_request_id": Uuid::now_v7(), "target": target });
                let call = person.call(&self.http, url, "chat/start_reply")?;
                Ok(call.json(&json!({ "request": request })))
            }
        }
    }
}

fn short_answer() -> Script {
    Script {
        asked_at: clock::now(),
        first_after: Duration::from_millis(5),
        interval: Duration::from_millis(1),
        chunks: CHUNKS,
    }
}

async fn read(response: Response) -> Result<()> {
    response.error_for_status()?.bytes().await?;
    Ok(())
}
