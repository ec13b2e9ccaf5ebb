//! `bin/bench stream`: what the product adds to a stream, and what a stream costs.

mod figures;
mod load;
mod reading;
mod watch;

use reqwest::{Client, RequestBuilder};
use serde_json::json;
use tokio::time::{Duration, sleep};
use uuid::Uuid;

use self::figures::{Figures, Round, line, over_rounds};
use self::load::Load;
use self::reading::{Journey, read_all};
use crate::database::Database;
use crate::person::Person;
use crate::redis_server::RedisServer;
use crate::script::Script;
use crate::server::{Server, ServerArguments};
use crate::upstream::Upstream;
use crate::{NO_LIMITS, Result, say, setting};

/// Replies are spread over so many accounts.
const PEOPLE: u32 = 50;

/// What the server may still be tidying up when its replies have ended.
const REST: Duration = Duration::from_secs(1);

/// Measures what the product adds to a stream, against calling the upstream directly, and what a stream costs
///
/// A scripted upstream inside this program writes into each chunk when it was sent. Readers ask for replies through the
/// product (signed in, POST /api/chat/start_reply) and note when each chunk arrives; then the same number of readers
/// calls the upstream itself in the same way. `added` is the difference of the two at the same quantile, for the first
/// chunk of each reply and for the later ones. Each round has a fresh server; figures are medians over the rounds.
///
/// Replies start 50 a second, and all are open together for six seconds. In these, processor time (divided by the chunks
/// sent meanwhile), memory (less that of the idle server, divided by the streams) and the database connections held for
/// more than 100 ms are watched. `admission` is from asking the product to its asking the upstream.
///
/// The last line of the output has every figure, with the number of streams at the end of its name.
#[derive(clap::Args)]
pub struct Arguments {
    /// Streams at once, and chunks per second of each; can be given several times
    #[arg(long = "load", value_name = "STREAMSxRATE", default_values = ["50x20", "500x4"])]
    loads: Vec<Load>,
    /// How often each load is measured
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    #[command(flatten)]
    server: ServerArguments,
}

pub async fn run(arguments: &Arguments) -> Result<()> {
    let mut bench = Bench::prepare(arguments).await?;
    let mut rounds: Vec<Vec<Figures>> = vec![vec![]; arguments.loads.len()];
    for round in 1..=arguments.rounds {
        for (load, figures) in arguments.loads.iter().zip(&mut rounds) {
            figures.push(bench.measure(load).await?.figures(load));
            let shown = figures.last().map(|figures| line(figures, "")).unwrap_or_default();
            say(&format!("round {round}, {load}: {shown}"));
        }
    }
    let loads = arguments.loads.iter().zip(&rounds);
    let lines: Vec<_> =
        loads.map(|(load, figures)| line(&over_rounds(figures), &format!("_{}", load.streams))).collect();
    say(&lines.join(" "));
    Ok(())
}

struct Bench<'a> {
    server: &'a ServerArguments,
    upstream: Upstream,
    http: Client,
    people: Vec<Person>,
    database: Database,
    redis: RedisServer,
}

impl<'a> Bench<'a> {
    async fn prepare(arguments: &'a Arguments) -> Result<Self> {
        let server = &arguments.server;
        let http = Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
        let upstream = Upstream::start(setting("BENCH_UPSTREAM_PORT")?.parse()?)?;
        let database = Database::connect(&setting("DATABASE_URL")?).await?;
        let redis = RedisServer::connect(&setting("REDIS_URL")?).await?;
        let _running = Server::start(server, &http, &NO_LIMITS).await?;
        let mut people = Vec::new();
        for number in 0..PEOPLE {
            people.push(Person::sign_in(&http, &server.public_url, &format!("reader-{number}")).await?);
        }
        Ok(Self { server, upstream, http, people, database, redis })
    }

    async fn measure(&mut self, load: &Load) -> Result<Round> {
        let server = Server::start(self.server, &self.http, &NO_LIMITS).await?;
        self.read_through_product(&Load::warm_up()).await?;
        sleep(REST).await;
        self.upstream.take_journeys();
        let idle_kb = server.resident_kb()?;
        let mut redis = self.redis.clone();
        let (through_product, cost) = tokio::try_join!(
            self.read_through_product(load),
            watch::watch(load, &server, &self.database, &mut redis),
        )?;
        let admissions = self.upstream.take_journeys();
        drop(server);
        let direct = read_all(load, |_, script| Ok(self.ask_directly(script))).await?;
        Ok(Round { through_product, direct, admissions, cost, idle_kb })
    }

    async fn read_through_product(&self, load: &Load) -> Result<Vec<Journey>> {
        read_all(load, |index, script| {
            let person = &self.people[index as usize % self.people.len()];
            let target = json!({ "kind": "new_thread", "prompt": script.to_string() });
            let request = json!({ "client_request_id": Uuid::now_v7(), "target": target });
            let call = person.call(&self.http, &self.server.public_url, "chat/start_reply")?;
            Ok(call.json(&json!({ "request": request })))
        })
        .await
    }

    fn ask_directly(&self, script: &Script) -> RequestBuilder {
        let messages = json!([{ "role": "user", "content": script.to_string() }]);
        let request = json!({ "model": "scripted", "messages": messages, "stream": true });
        self.http.post(format!("{}/v1/chat/completions", self.upstream.url)).json(&request)
    }
}
