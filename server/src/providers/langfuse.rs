//! Langfuse's API, for what does not go with traces. <https://api.reference.langfuse.com>

use std::time::Duration;

use reqwest::{RequestBuilder, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use url::Url;

use crate::config::LangfuseConfig;

const TIMEOUT: Duration = Duration::from_secs(10);

/// How ratings are called there.
const RATING: &str = "rating";

/// What somebody thinks of what a trace shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Score {
    /// Told again with the same one, it takes the place of what was told.
    pub id: String,
    pub trace_id: String,
    pub is_good: bool,
}

/// Why something was not taken. Holds nothing of what was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Langfuse {problem}")]
pub struct LangfuseError {
    problem: String,
    /// Trying again may help.
    pub is_passing: bool,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Langfuse {
    http: reqwest::Client,
    host: Url,
    public_key: String,
    secret_key: SecretString,
}

impl Langfuse {
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn new(config: &LangfuseConfig) -> Result<Self, reqwest::Error> {
        // Never follows a redirect: the key would go along.
        let http = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        let LangfuseConfig { host, public_key, secret_key } = config.clone();
        Ok(Self { http, host, public_key, secret_key })
    }

    pub async fn put_score(&self, score: &Score) -> Result<(), LangfuseError> {
        let body = json!({
            "id": score.id,
            "traceId": score.trace_id,
            "name": RATING,
            "dataType": "BOOLEAN",
            "value": u8::from(score.is_good),
        });
        let status = self.send(self.http.post(self.address(&[])).json(&body)).await?;
        taken(status)
    }

    /// One that is not there is as good as deleted.
    pub async fn delete_score(&self, id: &str) -> Result<(), LangfuseError> {
        match self.send(self.http.delete(self.address(&[id]))).await? {
            StatusCode::NOT_FOUND => Ok(()),
            status => taken(status),
        }
    }

    fn address(&self, below: &[&str]) -> Url {
        let mut url = self.host.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["api", "public", "scores"]).extend(below);
        }
        url
    }

    async fn send(&self, request: RequestBuilder) -> Result<StatusCode, LangfuseError> {
        let request = request.basic_auth(&self.public_key, Some(self.secret_key.expose_secret()));
        let answer = request.send().await;
        let away = |_| LangfuseError { problem: "cannot be reached".to_owned(), is_passing: true };
        Ok(answer.map_err(away)?.status())
    }
}

/// A wrong key counts as away, so that nothing is lost until it is put right.
fn taken(status: StatusCode) -> Result<(), LangfuseError> {
    const ABOUT_US: [StatusCode; 3] =
        [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN, StatusCode::TOO_MANY_REQUESTS];
    if status.is_success() {
        return Ok(());
    }
    let is_passing = status.is_server_error() || ABOUT_US.contains(&status);
    Err(LangfuseError { problem: format!("answered {status}"), is_passing })
}
