//! Webhook endpoints: where events go, which ones, and the secret they are signed with.

use serde_json::{Value, json};

use crate::stripe::books::{API_VERSION, Books, take_metadata, take_texts};
use crate::stripe::error::{Answer, StripeError};
use crate::stripe::form::Params;
use crate::stripe::list;
use crate::stripe::objects::Fields;

pub(crate) fn create(books: &mut Books, params: &Params) -> Answer {
    let url = params.required("url")?.to_owned();
    if !url.starts_with("http://") && !url.starts_with("https://") {
        return Err(StripeError::invalid(
            "url",
            "Invalid URL: an explicit scheme (such as https) must be provided.".into(),
        ));
    }
    let enabled = params.texts("enabled_events");
    if enabled.is_empty() {
        return Err(StripeError::missing_parameter("enabled_events"));
    }
    let secret = format!("whsec_{}", books.new_id_with("sandbox"));
    let mut endpoint = add(books, &url, &enabled, &secret);
    if let Some(version) = params.text("api_version") {
        endpoint["api_version"] = version.into();
    }
    take_texts(&mut endpoint, params, &["description"]);
    take_metadata(&mut endpoint, params);
    let id = endpoint.text("id").to_owned();
    let mut answer = books.edit(&id, |kept| *kept = endpoint);
    // Only the answer to the creation tells the secret.
    answer["secret"] = secret.into();
    Ok(answer)
}

/// Adds an endpoint whose secret the caller knows already.
pub(crate) fn add(books: &mut Books, url: &str, enabled: &[String], secret: &str) -> Value {
    let fields = json!({"url": url, "enabled_events": enabled, "api_version": API_VERSION});
    let endpoint = books.create("webhook_endpoint", fields);
    books.webhook_secrets.insert(endpoint.text("id").to_owned(), secret.to_owned());
    endpoint
}

pub(crate) fn list(books: &Books, params: &Params) -> Answer {
    list::page(books, "webhook_endpoint", "/v1/webhook_endpoints", params, |_| true)
}

pub(crate) fn update(books: &mut Books, id: &str, params: &Params) -> Answer {
    books.objects.find("webhook_endpoint", id)?;
    let disabled = params.flag("disabled")?;
    Ok(books.edit(id, |endpoint| {
        take_texts(endpoint, params, &["url", "description"]);
        take_metadata(endpoint, params);
        let enabled = params.texts("enabled_events");
        if !enabled.is_empty() {
            endpoint["enabled_events"] = enabled.into();
        }
        if let Some(disabled) = disabled {
            endpoint["status"] = if disabled { "disabled" } else { "enabled" }.into();
        }
    }))
}

pub(crate) fn delete(books: &mut Books, id: &str) -> Answer {
    books.objects.find("webhook_endpoint", id)?;
    let stub = json!({"id": id, "object": "webhook_endpoint", "deleted": true});
    Ok(books.edit(id, |kept| *kept = stub))
}

/// An endpoint that wants an event: its id, address and secret.
pub(crate) struct Destination {
    pub(crate) endpoint: String,
    pub(crate) url: String,
    pub(crate) secret: String,
}

/// Who wants an event of this type.
pub(crate) fn destinations(books: &Books, event_type: &str) -> Vec<Destination> {
    let wants = |endpoint: &&Value| {
        let is_listed = |enabled: &Value| enabled == "*" || enabled == event_type;
        endpoint.text("status") == "enabled" && endpoint.elements("enabled_events").iter().any(is_listed)
    };
    let destination = |endpoint: &Value| Destination {
        endpoint: endpoint.text("id").to_owned(),
        url: endpoint.text("url").to_owned(),
        secret: books.webhook_secrets.get(endpoint.text("id")).cloned().unwrap_or_default(),
    };
    books.objects.of_kind("webhook_endpoint").filter(wants).map(destination).collect()
}
