use std::collections::HashMap;

use http::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

/// A browser: keeps cookies, sends what browsers send, and follows redirects only when told.
#[derive(Clone)]
pub struct Browser {
    base_url: Url,
    http: Client,
    pub cookies: HashMap<String, String>,
}

impl Browser {
    pub fn new(base_url: &Url) -> Self {
        let http = Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        Self { base_url: base_url.clone(), http, cookies: HashMap::new() }
    }

    /// The same person on another of our servers.
    pub fn at(&self, base_url: &Url) -> Self {
        Self { base_url: base_url.clone(), ..self.clone() }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = self.base_url.join(path).expect("a path");
        let mut request = self.http.request(method, url.clone());
        if url.origin() == self.base_url.origin() && !self.cookies.is_empty() {
            let cookies: Vec<_> =
                self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header(COOKIE, cookies.join("; "));
        }
        request
            .header("sec-fetch-site", "same-origin")
            .header("user-agent", "Mozilla/5.0 (X11; Linux) Firefox/140.0")
    }

    pub async fn get(&mut self, path: &str) -> Response {
        let response = self.request(Method::GET, path).send().await.expect("an answer");
        if response.url().origin() == self.base_url.origin() {
            self.keep_cookies(&response);
        }
        response
    }

    fn keep_cookies(&mut self, response: &Response) {
        for header in response.headers().get_all(SET_COOKIE) {
            let text = header.to_str().expect("text");
            let (name, value) =
                text.split(';').next().and_then(|pair| pair.split_once('=')).expect("a cookie");
            if text.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// Calls a server function with form fields, as the page does.
    pub async fn call(&self, function: &str, fields: &[(&str, &str)]) -> Response {
        let request = self.request(Method::POST, &format!("/api/{function}"));
        request.form(fields).send().await.expect("an answer")
    }

    /// The value a server function answers with.
    pub async fn value<T: DeserializeOwned>(&self, function: &str, fields: &[(&str, &str)]) -> T {
        let response = self.call(function, fields).await;
        assert!(response.status().is_success(), "{function} answered {}", response.status());
        response.json().await.expect("JSON")
    }

    /// The error a server function answers with, beside its status.
    pub async fn error(&self, function: &str, fields: &[(&str, &str)]) -> (u16, Value) {
        let response = self.call(function, fields).await;
        (response.status().as_u16(), response.json().await.expect("JSON"))
    }

    /// Begins to sign in and lets the provider decide by `hint`; the answer is the address it sends the browser back to.
    pub async fn authorize(&mut self, provider: &str, hint: &str, return_to: Option<&str>) -> String {
        let mut start = format!("/auth/{provider}/start");
        if let Some(return_to) = return_to {
            start = format!(
                "{start}?{}",
                url::form_urlencoded::Serializer::new(String::new())
                    .append_pair("return_to", return_to)
                    .finish()
            );
        }
        let mut authorize: Url = location(&self.get(&start).await).parse().expect("the provider's address");
        for (name, value) in url::form_urlencoded::parse(format!("login_hint={hint}").as_bytes()) {
            authorize.query_pairs_mut().append_pair(&name, &value);
        }
        location(&self.get(authorize.as_str()).await)
    }

    /// Signs in as a fresh person (or again as the same one), with a verified e-mail address.
    pub async fn sign_in(&mut self, name: &str) {
        let callback = self.authorize("oidc", &format!("new:{name}"), None).await;
        let response = self.get(&callback).await;
        assert_eq!(location(&response), "/chat", "status {}", response.status());
    }

    pub fn is_signed_in(&self) -> bool {
        self.cookies.contains_key("__Host-session")
    }
}

pub fn location(response: &Response) -> String {
    let header = response.headers().get(LOCATION);
    let header = header.unwrap_or_else(|| panic!("no redirect but {}", response.status()));
    header.to_str().expect("text").to_owned()
}
