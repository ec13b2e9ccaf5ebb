//! Billing portal sessions and configurations.

use serde_json::{Value, json};

use crate::stripe::books::{Books, take_metadata, take_texts};
use crate::stripe::error::{Answer, StripeError};
use crate::stripe::form::Params;
use crate::stripe::list;
use crate::stripe::objects::Fields;

const FLOWS: [&str; 4] =
    ["payment_method_update", "subscription_cancel", "subscription_update", "subscription_update_confirm"];

pub(crate) fn create_session(books: &mut Books, params: &Params) -> Answer {
    let customer = params.required("customer")?;
    books.objects.find_for("customer", customer, "customer")?;
    let configuration = match params.text("configuration") {
        Some(id) => books.objects.find_for("billing_portal.configuration", id, "configuration")?,
        None => default_configuration(books),
    };
    let flow = flow(books, params)?;
    let mut session = books.draft(
        "billing_portal.session",
        json!({"customer": customer, "configuration": configuration["id"], "flow": flow}),
    );
    session["return_url"] =
        params.text("return_url").map_or(configuration["default_return_url"].clone(), Value::from);
    session["url"] = format!("{}/portal/{}", books.pages, session.text("id")).into();
    take_texts(&mut session, params, &["locale"]);
    books.objects.insert(session.clone());
    Ok(session)
}

fn flow(books: &Books, params: &Params) -> Answer {
    if !params.has("flow_data") {
        return Ok(Value::Null);
    }
    let data = params.nested("flow_data");
    data.required("type")?;
    let kind = data.one_of("type", &FLOWS)?.unwrap_or_default();
    let mut flow = json!({
        "type": kind, "after_completion": after_completion(&data), "subscription_cancel": null,
        "subscription_update": null, "subscription_update_confirm": null,
    });
    if kind != "payment_method_update" {
        let about = data.nested(kind);
        let subscription = about.required("subscription")?;
        books.objects.find_for("subscription", subscription, &about.name_of("subscription"))?;
        flow[kind] = json!({"subscription": subscription});
        match kind {
            "subscription_cancel" => flow[kind]["retention"] = Value::Null,
            "subscription_update_confirm" => {
                flow[kind]["discounts"] = Value::Null;
                flow[kind]["items"] = confirmed_items(&about)?.into();
            }
            _ => {}
        }
    }
    Ok(flow)
}

fn confirmed_items(about: &Params) -> Answer<Vec<Value>> {
    let items = about.list("items");
    if items.is_empty() {
        return Err(StripeError::missing_parameter(&about.name_of("items")));
    }
    let item = |item: &Params| {
        let quantity = item.integer("quantity")?;
        let mut confirmed = json!({"id": item.text("id"), "price": item.text("price")});
        if quantity.is_some() {
            confirmed["quantity"] = quantity.into();
        }
        Ok(confirmed)
    };
    items.iter().map(item).collect()
}

fn after_completion(data: &Params) -> Value {
    let after = data.nested("after_completion");
    let kind = after.text("type").unwrap_or("portal_homepage");
    let address = after.nested("redirect").text("return_url").map(|url| json!({"return_url": url}));
    let confirmation = (kind == "hosted_confirmation").then(|| json!({"custom_message": null}));
    json!({"type": kind, "redirect": address, "hosted_confirmation": confirmation})
}

/// The configuration of sessions that name none.
fn default_configuration(books: &mut Books) -> Value {
    let found =
        books.objects.of_kind("billing_portal.configuration").find(|found| found.is("is_default")).cloned();
    found.unwrap_or_else(|| {
        let mut made = books.create("billing_portal.configuration", json!({"is_default": true}));
        made["features"] = features(&Params::default());
        let id = made.text("id").to_owned();
        books.edit(&id, |kept| *kept = made)
    })
}

pub(crate) fn create_configuration(books: &mut Books, params: &Params) -> Answer {
    if !params.has("features") {
        return Err(StripeError::missing_parameter("features"));
    }
    let now = books.now();
    let mut made = books.draft("billing_portal.configuration", json!({"is_default": false, "updated": now}));
    take_configuration(&mut made, params);
    books.objects.insert(made.clone());
    books.tell("billing_portal.configuration.created", &made);
    Ok(made)
}

pub(crate) fn update_configuration(books: &mut Books, id: &str, params: &Params) -> Answer {
    books.objects.find("billing_portal.configuration", id)?;
    let now = books.now();
    let active = params.flag("active")?;
    Ok(books.change(id, "billing_portal.configuration.updated", |configuration| {
        take_configuration(configuration, params);
        configuration["updated"] = now.into();
        if let Some(active) = active {
            configuration["active"] = active.into();
        }
    }))
}

fn take_configuration(configuration: &mut Value, params: &Params) {
    take_texts(configuration, params, &["default_return_url", "name"]);
    take_metadata(configuration, params);
    let profile = params.nested("business_profile");
    for name in ["headline", "privacy_policy_url", "terms_of_service_url"] {
        if let Some(text) = profile.text(name) {
            configuration["business_profile"][name] = text.into();
        }
    }
    if params.has("features") {
        configuration["features"] = features(&params.nested("features"));
    }
}

/// The features, switched on as the parameters say; without any, all that the sandbox's portal can do.
fn features(params: &Params) -> Value {
    let is_on = |name: &str| !params.has(name) || params.nested(name).text("enabled") == Some("true");
    let has_any = !params.is_empty();
    let enabled = |name: &str| if has_any { params.has(name) && is_on(name) } else { true };
    let cancel = params.nested("subscription_cancel");
    let update = params.nested("subscription_update");
    let products: Vec<Value> = update
        .list("products")
        .iter()
        .map(|product| {
            json!({
                "product": product.text("product"), "prices": product.texts("prices"),
                "adjustable_quantity": {"enabled": false, "maximum": null, "minimum": 1},
            })
        })
        .collect();
    json!({
        "customer_update": {"allowed_updates": params.nested("customer_update").texts("allowed_updates"), "enabled": enabled("customer_update")},
        "invoice_history": {"enabled": enabled("invoice_history")},
        "payment_method_update": {"enabled": enabled("payment_method_update"), "payment_method_configuration": null},
        "subscription_cancel": {
            "cancellation_reason": {"enabled": false, "options": []}, "enabled": enabled("subscription_cancel"),
            "mode": cancel.text("mode").unwrap_or("at_period_end"),
            "proration_behavior": cancel.text("proration_behavior").unwrap_or("none"),
        },
        "subscription_update": {
            "billing_cycle_anchor": null, "default_allowed_updates": update.texts("default_allowed_updates"),
            "enabled": enabled("subscription_update"), "products": products,
            "proration_behavior": update.text("proration_behavior").unwrap_or("none"),
            "schedule_at_period_end": {"conditions": []}, "trial_update_behavior": "end_trial",
        },
    })
}

pub(crate) fn list_configurations(books: &Books, params: &Params) -> Answer {
    let url = "/v1/billing_portal/configurations";
    list::page(books, "billing_portal.configuration", url, params, |configuration| {
        params.allows(configuration, "active") && params.allows(configuration, "is_default")
    })
}
