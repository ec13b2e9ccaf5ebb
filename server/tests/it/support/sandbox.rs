use std::env;

use serde_json::{Value, json};

use super::database::install_rustls;
use super::waiting::until;

/// The stand-in for the outside world, started by `bin/test`.
pub struct Sandbox {
    pub url: String,
    http: reqwest::Client,
}

impl Sandbox {
    pub fn find() -> Self {
        let url = env::var("SANDBOX_URL").expect("SANDBOX_URL is not set: run bin/test integration");
        install_rustls();
        Self { url, http: reqwest::Client::new() }
    }

    /// Answers prompts that contain `matching` as the script says.
    pub async fn script(&self, matching: &str, mut script: Value) {
        script["match"] = json!(matching);
        let answer = self.http.post(format!("{}/control/model/scripts", self.url)).json(&script).send().await;
        let status = answer.expect("the sandbox answers").status();
        assert!(status.is_success(), "the sandbox refused the script with {status}");
    }

    /// What was reported to Sentry with this key, once there are so many.
    pub async fn reported_faults(&self, key: &str, count: usize) -> Vec<Value> {
        let url = format!("{}/control/sentry/events", self.url);
        let mut events: Vec<Value> = Vec::new();
        until(async || {
            let answer = self.http.get(&url).query(&[("key", key)]).send().await;
            events = answer.expect("the sandbox answers").json().await.expect("events");
            events.len() >= count
        })
        .await;
        events
    }

    /// What is found at one of its addresses.
    pub async fn get(&self, path: &str, query: &[(&str, &str)]) -> String {
        let request = self.http.get(format!("{}/{path}", self.url)).query(query);
        request.send().await.expect("the sandbox answers").text().await.expect("text")
    }

    /// The mails that were sent to an address, oldest first.
    pub async fn mails(&self, to: &str) -> Vec<Value> {
        let url = format!("{}/mail.json", self.url);
        let answer = self.http.get(url).query(&[("to", to)]).send().await.expect("the sandbox answers");
        answer.json().await.expect("mails")
    }

    /// What goes wrong with mails to an address from now on, and how often; None: nothing.
    pub async fn set_mail_fault(&self, to: &str, fault: Option<&str>, times: Option<u32>) {
        let body = json!({ "to": to, "fault": fault, "times": times });
        let answer = self
            .http
            .put(format!("{}/control/mail/faults", self.url))
            .json(&body)
            .send()
            .await
            .expect("an answer");
        assert!(answer.status().is_success(), "the sandbox answered {}", answer.status());
    }

    /// What the model was asked with prompts that contain `matching`.
    pub async fn journal(&self, matching: &str) -> Vec<Value> {
        let url = format!("{}/control/model/journal", self.url);
        let answer =
            self.http.get(url).query(&[("contains", matching)]).send().await.expect("the sandbox answers");
        answer.json().await.expect("a journal")
    }
}
