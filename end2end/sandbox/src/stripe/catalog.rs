//! Products and prices.

use serde_json::{Value, json};

use crate::stripe::books::{Books, take_metadata, take_texts};
use crate::stripe::error::{Answer, StripeError};
use crate::stripe::form::Params;
use crate::stripe::list;
use crate::stripe::money;
use crate::stripe::objects::Fields;

pub(crate) fn create_product(books: &mut Books, params: &Params) -> Answer {
    let name = params.required("name")?.to_owned();
    let id = params.text("id").map(str::to_owned).unwrap_or_else(|| books.new_id("product"));
    if books.objects.get(&id).is_some() {
        return Err(StripeError::refused(Some("resource_already_exists"), "Product already exists."));
    }
    let now = books.now();
    let mut product = crate::stripe::shape::shaped(
        "product",
        json!({"id": id, "name": name, "created": now, "updated": now, "type": "service"}),
    );
    take_product_fields(&mut product, params)?;
    books.objects.insert(product.clone());
    books.tell("product.created", &product);
    Ok(product)
}

pub(crate) fn update_product(books: &mut Books, id: &str, params: &Params) -> Answer {
    let mut product = books.objects.find("product", id)?;
    take_product_fields(&mut product, params)?;
    product["updated"] = books.now().into();
    Ok(books.change(id, "product.updated", |kept| *kept = product))
}

fn take_product_fields(product: &mut Value, params: &Params) -> Answer<()> {
    take_texts(product, params, &["name", "description", "unit_label", "tax_code", "url", "default_price"]);
    take_metadata(product, params);
    if let Some(active) = params.flag("active")? {
        product["active"] = active.into();
    }
    Ok(())
}

pub(crate) fn list_products(books: &Books, params: &Params) -> Answer {
    let ids = params.texts("ids");
    let is_asked = |product: &Value| ids.is_empty() || ids.iter().any(|id| id == product.text("id"));
    list::page(books, "product", "/v1/products", params, |product| {
        params.allows(product, "active") && is_asked(product)
    })
}

pub(crate) fn create_price(books: &mut Books, params: &Params) -> Answer {
    let currency = params.required("currency")?.to_owned();
    let (unit_amount, unit_amount_decimal) = unit_amounts(params)?;
    if params.text("billing_scheme") == Some("tiered") {
        return Err(StripeError::invalid("billing_scheme", "The sandbox's Stripe has no tiers.".into()));
    }
    let recurring = recurring(books, params)?;
    let product = product_of(books, params)?;
    let mut price = books.draft(
        "price",
        json!({
            "currency": currency, "unit_amount": unit_amount, "unit_amount_decimal": unit_amount_decimal,
            "product": product, "type": if recurring.is_null() { "one_time" } else { "recurring" },
            "recurring": recurring, "transform_quantity": transform_quantity(params)?,
        }),
    );
    take_price_fields(books, &mut price, params)?;
    books.objects.insert(price.clone());
    books.tell("price.created", &price);
    Ok(price)
}

pub(crate) fn update_price(books: &mut Books, id: &str, params: &Params) -> Answer {
    let mut price = books.objects.find("price", id)?;
    take_price_fields(books, &mut price, params)?;
    Ok(books.change(id, "price.updated", |kept| *kept = price))
}

pub(crate) fn list_prices(books: &Books, params: &Params) -> Answer {
    let keys = params.texts("lookup_keys");
    let is_asked = |price: &Value| keys.is_empty() || keys.iter().any(|key| key == price.text("lookup_key"));
    list::page(books, "price", "/v1/prices", params, |price| {
        is_asked(price)
            && ["active", "product", "type", "currency"].iter().all(|name| params.allows(price, name))
    })
}

/// The price that an item of a request names, whether by id or as `price_data`.
pub(crate) fn price_of_item(books: &mut Books, item: &Params) -> Answer {
    if let Some(id) = item.text("price") {
        let price = books.objects.find_for("price", id, &item.name_of("price"))?;
        if !price.is("active") {
            let message =
                format!("The price specified is inactive. This field only accepts active prices: {id}");
            return Err(StripeError::invalid(&item.name_of("price"), message));
        }
        return Ok(price);
    }
    if item.has("price_data") {
        return create_price(books, &item.nested("price_data"));
    }
    Err(StripeError::missing_parameter(&item.name_of("price")))
}

/// The older form of a price, which subscription items still carry.
pub(crate) fn plan_of(price: &Value) -> Value {
    let recurring = &price["recurring"];
    crate::stripe::shape::shaped(
        "plan",
        json!({
            "id": price["id"], "active": price["active"], "amount": price["unit_amount"],
            "amount_decimal": price["unit_amount_decimal"], "billing_scheme": price["billing_scheme"],
            "created": price["created"], "currency": price["currency"], "interval": recurring["interval"],
            "interval_count": recurring["interval_count"], "meter": recurring["meter"],
            "metadata": price["metadata"], "nickname": price["nickname"], "product": price["product"],
            "usage_type": recurring["usage_type"],
        }),
    )
}

fn unit_amounts(params: &Params) -> Answer<(Value, Value)> {
    let (name, text) = match params.text("unit_amount_decimal") {
        Some(text) => ("unit_amount_decimal", text),
        None => ("unit_amount", params.required("unit_amount")?),
    };
    let invalid = || StripeError::invalid(&params.name_of(name), format!("Invalid decimal: {text}"));
    money::unit_amounts(text).ok_or_else(invalid)
}

fn recurring(books: &Books, params: &Params) -> Answer {
    if !params.has("recurring") {
        return Ok(Value::Null);
    }
    let recurring = params.nested("recurring");
    recurring.required("interval")?;
    let interval = recurring.one_of("interval", &["day", "week", "month", "year"])?;
    let usage_type = recurring.one_of("usage_type", &["licensed", "metered"])?.unwrap_or("licensed");
    if usage_type == "metered" {
        let meter = recurring.required("meter")?;
        books.objects.find_for("billing.meter", meter, &recurring.name_of("meter"))?;
    }
    Ok(json!({
        "interval": interval, "interval_count": recurring.integer("interval_count")?.unwrap_or(1),
        "meter": recurring.text("meter"), "usage_type": usage_type, "trial_period_days": null,
    }))
}

fn product_of(books: &mut Books, params: &Params) -> Answer<String> {
    if params.has("product_data") {
        return Ok(create_product(books, &params.nested("product_data"))?.text("id").to_owned());
    }
    let id = params.required("product")?;
    Ok(books.objects.find_for("product", id, &params.name_of("product"))?.text("id").to_owned())
}

fn transform_quantity(params: &Params) -> Answer {
    if !params.has("transform_quantity") {
        return Ok(Value::Null);
    }
    let transform = params.nested("transform_quantity");
    transform.required("divide_by")?;
    transform.required("round")?;
    Ok(json!({
        "divide_by": transform.integer("divide_by")?, "round": transform.one_of("round", &["down", "up"])?,
    }))
}

fn take_price_fields(books: &mut Books, price: &mut Value, params: &Params) -> Answer<()> {
    take_texts(price, params, &["nickname", "tax_behavior"]);
    take_metadata(price, params);
    if let Some(active) = params.flag("active")? {
        price["active"] = active.into();
    }
    if params.is_cleared("lookup_key") {
        price["lookup_key"] = Value::Null;
    }
    if let Some(key) = params.text("lookup_key") {
        free_lookup_key(books, key, price.text("id"), params.flag("transfer_lookup_key")? == Some(true))?;
        price["lookup_key"] = key.into();
    }
    Ok(())
}

/// A lookup key has one price; another price gets it only by `transfer_lookup_key`.
fn free_lookup_key(books: &mut Books, key: &str, for_price: &str, may_transfer: bool) -> Answer<()> {
    let is_holder = |price: &&Value| price.text("lookup_key") == key && price.text("id") != for_price;
    let Some(holder) =
        books.objects.of_kind("price").find(is_holder).map(|price| price.text("id").to_owned())
    else {
        return Ok(());
    };
    if !may_transfer {
        let message = format!("A price (`{holder}`) already uses that lookup key.");
        return Err(StripeError::invalid("lookup_key", message));
    }
    books.change(&holder, "price.updated", |price| price["lookup_key"] = Value::Null);
    Ok(())
}
