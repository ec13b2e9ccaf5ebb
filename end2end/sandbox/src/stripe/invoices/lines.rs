//! The lines of invoices: what a period costs, what was used, what was prorated.

use serde_json::{Value, json};

use crate::stripe::books::Books;
use crate::stripe::objects::Fields;
use crate::stripe::{meters, money};

/// A line for a licensed item: what it costs for a period that begins.
pub(crate) fn line_for_period(books: &mut Books, item: &Value, start: i64, end: i64) -> Value {
    let price = &item["price"];
    let quantity = item["quantity"].as_i64().unwrap_or(1);
    let amount = money::cost(price, quantity);
    let description = format!("{quantity} × {} (at {})", product_name(books, price), amount_in_words(price));
    line(books, item, amount, quantity, &description, (start, end))
}

/// A line for a metered item: what was used in a period that is over.
pub(crate) fn line_for_usage(books: &mut Books, item: &Value, customer: &str, start: i64, end: i64) -> Value {
    let price = &item["price"];
    let used = meters::sum_for(books, price["recurring"].text("meter"), customer, start, end);
    let amount = money::cost(price, used);
    let description = format!("{used} × {} (at {})", product_name(books, price), amount_in_words(price));
    line(books, item, amount, used, &description, (start, end))
}

fn line(
    books: &mut Books,
    item: &Value,
    amount: i64,
    quantity: i64,
    description: &str,
    (start, end): (i64, i64),
) -> Value {
    let price = &item["price"];
    let details = json!({
        "invoice_item": null, "proration": false, "proration_details": {"credited_items": null},
        "subscription": item["subscription"], "subscription_item": item["id"],
    });
    let parent = json!({
        "type": "subscription_item_details", "invoice_item_details": null, "subscription_item_details": details,
    });
    books.draft(
        "line_item",
        json!({
            "amount": amount, "subtotal": amount, "currency": price["currency"], "description": description,
            "quantity": quantity, "period": {"start": start, "end": end}, "parent": parent,
            "pricing": pricing_of(price), "subscription": item["subscription"], "metadata": item["metadata"],
        }),
    )
}

/// The line that an invoice item becomes.
pub(crate) fn line_of_invoice_item(books: &mut Books, item: &Value) -> Value {
    let subscription = item["parent"]["subscription_details"]["subscription"].clone();
    let credited = json!({"credited_items": null});
    let parent = if subscription.is_null() {
        let details = json!({
            "invoice_item": item["id"], "proration": item["proration"], "proration_details": credited,
            "subscription": null,
        });
        json!({"type": "invoice_item_details", "invoice_item_details": details, "subscription_item_details": null})
    } else {
        let details = json!({
            "invoice_item": item["id"], "proration": item["proration"], "proration_details": credited,
            "subscription": subscription,
            "subscription_item": item["parent"]["subscription_details"]["subscription_item"],
        });
        json!({"type": "subscription_item_details", "invoice_item_details": null, "subscription_item_details": details})
    };
    books.draft(
        "line_item",
        json!({
            "amount": item["amount"], "subtotal": item["amount"], "currency": item["currency"],
            "description": item["description"], "quantity": item["quantity"], "period": item["period"],
            "parent": parent, "pricing": item["pricing"], "subscription": subscription,
            "metadata": item["metadata"],
        }),
    )
}

/// The `pricing` of a line or an invoice item.
pub(crate) fn pricing_of(price: &Value) -> Value {
    json!({
        "type": "price_details", "unit_amount_decimal": price["unit_amount_decimal"],
        "price_details": {"price": price["id"], "product": price["product"]},
    })
}

/// The name of what a price is for.
pub(crate) fn product_name(books: &Books, price: &Value) -> String {
    books
        .objects
        .get(price.text("product"))
        .map_or_else(String::new, |product| product.text("name").to_owned())
}

fn amount_in_words(price: &Value) -> String {
    let interval = price["recurring"].text("interval");
    match price["unit_amount"].as_i64() {
        Some(cents) => format!("${}.{:02} / {interval}", cents / 100, cents % 100),
        None => format!("{} cents / {interval}", price.text("unit_amount_decimal")),
    }
}
