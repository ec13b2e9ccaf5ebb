//! An account of the sandbox's Stripe and what tests do with it.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION};
use axum::http::{Method, Request};
use axum::response::Response;
use serde_json::{Value, json};
use tower::ServiceExt;
use url::{Url, form_urlencoded};

pub(crate) const GOOD_CARD: &str = "4242 4242 4242 4242";

pub(crate) struct Account {
    pub(crate) sandbox: Router,
    pub(crate) key: String,
}

/// An answer: its status and its JSON (or null).
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Account {
    pub(crate) fn new(key: &str) -> Self {
        let sandbox = sandbox::router(&Url::parse("http://127.0.0.1:4010").unwrap()).unwrap();
        Self { sandbox, key: format!("sk_test_{key}") }
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        form: &[(&str, &str)],
        key: Option<&str>,
    ) -> Response {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let is_get = method == Method::GET;
        let uri = if is_get && !form.is_empty() {
            format!("/stripe/v1/{path}?{form}")
        } else {
            format!("/stripe/v1/{path}")
        };
        let mut request = Request::builder()
            .method(method)
            .uri(uri)
            .header(AUTHORIZATION, format!("Bearer {}", self.key))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let body = if is_get { Body::empty() } else { Body::from(form) };
        self.sandbox.clone().oneshot(request.body(body).unwrap()).await.unwrap()
    }

    pub(crate) async fn ask(&self, method: Method, path: &str, form: &[(&str, &str)]) -> Answered {
        let response = self.send(method, path, form, None).await;
        Answered { status: response.status().as_u16(), body: json_of(response).await }
    }

    /// A request that must succeed.
    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)]) -> Value {
        let answered = self.ask(Method::POST, path, form).await;
        assert_eq!(answered.status, 200, "{path}: {}", answered.body);
        answered.body
    }

    pub(crate) async fn get(&self, path: &str, form: &[(&str, &str)]) -> Value {
        let answered = self.ask(Method::GET, path, form).await;
        assert_eq!(answered.status, 200, "{path}: {}", answered.body);
        answered.body
    }

    pub(crate) async fn delete(&self, path: &str) -> Value {
        self.ask(Method::DELETE, path, &[]).await.body
    }

    /// A request that must be refused; gives the error.
    pub(crate) async fn refused(&self, path: &str, form: &[(&str, &str)]) -> Value {
        let answered = self.ask(Method::POST, path, form).await;
        assert!(answered.status >= 400, "{path}: {}", answered.body);
        answered.body["error"].clone()
    }

    pub(crate) async fn control(&self, method: Method, path: &str, body: Value) -> Value {
        let request = Request::builder()
            .method(method)
            .uri(format!("/control/stripe/{}{path}", self.key))
            .header(CONTENT_TYPE, "application/json");
        let response =
            self.sandbox.clone().oneshot(request.body(Body::from(body.to_string())).unwrap()).await.unwrap();
        assert!(response.status().is_success(), "{path}: {}", response.status());
        json_of(response).await
    }

    pub(crate) async fn advance(&self, days: i64) {
        self.control(Method::POST, "/advance", json!({"days": days})).await;
    }

    /// Submits a form of a hosted page, by its whole address.
    pub(crate) async fn submit(&self, url: &str, form: &[(&str, &str)]) -> (u16, String) {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let path = url.strip_prefix("http://127.0.0.1:4010").unwrap();
        let request = Request::post(path).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let response = self.sandbox.clone().oneshot(request.body(Body::from(form)).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        if let Some(location) = response.headers().get(LOCATION) {
            return (status, location.to_str().unwrap().to_owned());
        }
        (status, text_of(response).await)
    }

    /// A monthly price of 20 dollars.
    pub(crate) async fn monthly_price(&self, lookup_key: &str) -> String {
        self.price(lookup_key, "2000", "month").await
    }

    pub(crate) async fn price(&self, lookup_key: &str, cents: &str, interval: &str) -> String {
        let form = [
            ("currency", "usd"),
            ("unit_amount", cents),
            ("lookup_key", lookup_key),
            ("recurring[interval]", interval),
            ("product_data[name]", lookup_key),
        ];
        id_of(&self.post("prices", &form).await)
    }

    pub(crate) async fn customer(&self) -> String {
        id_of(&self.post("customers", &[("email", "ada@example.test")]).await)
    }

    /// A subscription bought on the checkout page.
    pub(crate) async fn subscribe(&self, customer: &str, price: &str, card: &str) -> String {
        let session = self.checkout(customer, price, &[]).await;
        let (status, location) = self.submit(session["url"].as_str().unwrap(), &[("card", card)]).await;
        assert_eq!(status, 303, "{location}");
        let session = self.get(&format!("checkout/sessions/{}", id_of(&session)), &[]).await;
        session["subscription"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn checkout(&self, customer: &str, price: &str, more: &[(&str, &str)]) -> Value {
        let form = [
            ("mode", "subscription"),
            ("customer", customer),
            ("line_items[0][price]", price),
            ("line_items[0][quantity]", "1"),
            ("success_url", "http://localhost:3000/billing?session={CHECKOUT_SESSION_ID}"),
        ];
        self.post("checkout/sessions", &[&form, more].concat()).await
    }

    pub(crate) async fn subscription(&self, id: &str) -> Value {
        self.get(&format!("subscriptions/{id}"), &[]).await
    }

    /// The types of all events, oldest first.
    pub(crate) async fn event_types(&self) -> Vec<String> {
        let events = self.get("events", &[("limit", "100")]).await;
        let types = events["data"].as_array().unwrap().iter().rev();
        types.map(|event| event["type"].as_str().unwrap().to_owned()).collect()
    }
}

pub(crate) fn id_of(object: &Value) -> String {
    object["id"].as_str().unwrap().to_owned()
}

async fn json_of(response: Response) -> Value {
    serde_json::from_str(&text_of(response).await).unwrap_or_default()
}

async fn text_of(response: Response) -> String {
    String::from_utf8(to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec()).unwrap()
}
