use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use url::Url;

use super::{Browser, TestApp};

/// A program: calls with a key, and has no cookies.
#[derive(Clone)]
pub struct Program {
    base_url: Url,
    http: Client,
    pub key: String,
}

impl TestApp {
    /// With a key of this person's.
    pub async fn program(&self, browser: &Browser) -> Program {
        let key: Value = browser.value("api_keys/create_api_key", &[("name", "nightly report")]).await;
        let key = key["secret"].as_str().expect("a key").to_owned();
        let base_url = self.url.clone();
        Program { base_url, http: Client::new(), key }
    }
}

impl Program {
    /// The same program at another of our servers.
    pub fn at(&self, base_url: &Url) -> Self {
        Self { base_url: base_url.clone(), ..self.clone() }
    }

    pub fn with_key(&self, key: &str) -> Self {
        Self { key: key.to_owned(), ..self.clone() }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.base_url.join(path).expect("a path")).bearer_auth(&self.key)
    }

    pub async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.expect("an answer")
    }

    pub async fn complete(&self, body: &Value) -> Response {
        self.request(Method::POST, "/v1/chat/completions").json(body).send().await.expect("an answer")
    }
}

/// Asks this of the cheapest model.
pub fn completion(prompt: &str) -> Value {
    json!({ "model": "everyday", "messages": [{ "role": "user", "content": prompt }] })
}

pub fn streamed(prompt: &str) -> Value {
    let mut body = completion(prompt);
    body["stream"] = json!(true);
    body["stream_options"] = json!({ "include_usage": true });
    body
}

/// What came in the frames of a stream.
pub fn frames(body: &str) -> Vec<&str> {
    body.split("\n\n").filter_map(|frame| frame.strip_prefix("data: ")).collect()
}
