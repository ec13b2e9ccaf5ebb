//! The server under test, as a process of its own.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::Client;
use url::Url;

use crate::{Result, process};

const READY_WITHIN: Duration = Duration::from_secs(20);

/// Where the server is and how it is reached.
#[derive(Clone, Debug, clap::Args)]
pub struct ServerArguments {
    /// The server's program
    #[arg(long, default_value = "target/release/plumbline")]
    server: PathBuf,
    /// Its log
    #[arg(long, default_value = "/dev/null")]
    server_log: PathBuf,
    /// Its address, as in PUBLIC_URL
    #[arg(long, default_value = "http://localhost:3000")]
    pub public_url: Url,
}

/// A fresh server. Dropping it ends it.
pub struct Server(Child);

impl Server {
    /// Starts with the settings of this process and those given, and waits until it answers.
    pub async fn start(
        arguments: &ServerArguments,
        http: &Client,
        settings: &[(&str, &str)],
    ) -> Result<Self> {
        let log = File::options().create(true).append(true).open(&arguments.server_log)?;
        let child = Command::new(&arguments.server)
            .arg("serve")
            .envs(settings.iter().copied())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        let server = Self(child);
        let (probe, give_up_at) = (arguments.public_url.join("health/ready")?, Instant::now() + READY_WITHIN);
        loop {
            let answer = http.get(probe.clone()).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(server);
            }
            if Instant::now() > give_up_at {
                return Err(format!("the server is not ready; see {}", arguments.server_log.display()).into());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub fn cpu_time(&self) -> Result<Duration> {
        process::cpu_time(self.0.id())
    }

    pub fn resident_kb(&self) -> Result<u64> {
        process::resident_kb(self.0.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.0.kill().and_then(|()| self.0.wait()).ok();
    }
}
