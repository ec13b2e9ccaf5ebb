//! What the billing portal shows.

use serde_json::Value;

use crate::pages::Escaped;
use crate::pages::stripe as looks;
use crate::stripe::books::Books;
use crate::stripe::invoices::lines::product_name;
use crate::stripe::objects::Fields;
use crate::stripe::subscriptions;

/// The whole portal, or just what a session's flow is about.
pub(super) fn render(books: &Books, session: &Value, message: Option<&str>) -> String {
    let flow = session["flow"].text("type");
    let body = match flow {
        "payment_method_update" => card(books, session),
        "subscription_cancel" | "subscription_update" | "subscription_update_confirm" => {
            let id = session["flow"][flow].text("subscription");
            let found = books.objects.get(id).cloned().unwrap_or_default();
            subscription(books, session, &found)
        }
        _ => everything(books, session),
    };
    let back = session.optional_text("return_url").map_or_else(String::new, |url| {
        format!("<p class=\"note\"><a href=\"{}\">Back to the shop</a></p>\n", Escaped(url))
    });
    looks::page("Billing", &format!("{}{body}\n{back}", looks::alert(message)))
}

fn everything(books: &Books, session: &Value) -> String {
    let customer = session.text("customer");
    let is_theirs = |found: &&Value| found.text("customer") == customer && subscriptions::is_running(found);
    let running = books.objects.of_kind("subscription").filter(is_theirs);
    let running: String = running.map(|found| subscription(books, session, found)).collect();
    format!("{running}{}{}", card(books, session), invoices(books, customer))
}

fn subscription(books: &Books, session: &Value, subscription: &Value) -> String {
    let names: Vec<_> =
        subscription.elements("items").iter().map(|item| product_name(books, &item["price"])).collect();
    let id = Escaped(subscription.text("id")).to_string();
    let notice = if subscription.is("cancel_at_period_end") {
        button("resume", &id, "", "Don't cancel the plan", "Ends with the period.")
    } else {
        button("cancel", &id, "", "Cancel the plan", "")
    };
    let flow = session["flow"].text("type");
    let changes: String = offered_prices(books, session, subscription)
        .iter()
        .map(|price| {
            let hidden =
                format!("<input type=\"hidden\" name=\"price\" value=\"{}\">", Escaped(price.text("id")));
            let label = format!("Change to {}", product_name(books, price));
            let cost = price["unit_amount"].as_i64().map(looks::dollars).unwrap_or_default();
            button(
                "change_plan",
                &id,
                &hidden,
                &label,
                &format!("{cost} / {}", price["recurring"].text("interval")),
            )
        })
        .collect();
    format!(
        "<section class=\"card\">\n<h2>{}</h2>\n<p>Status: <strong data-testid=\"status\">{}</strong></p>\n{}{}</section>\n",
        Escaped(&names.join(", ")),
        subscription.text("status"),
        if flow.starts_with("subscription_update") { String::new() } else { notice },
        if flow == "subscription_cancel" { String::new() } else { changes },
    )
}

/// The price a flow asks to confirm, or those the configuration offers, without the current one.
fn offered_prices(books: &Books, session: &Value, subscription: &Value) -> Vec<Value> {
    let confirmed = session["flow"]["subscription_update_confirm"].elements("items");
    let configuration = books.objects.get(session.text("configuration")).cloned().unwrap_or_default();
    let products = configuration["features"]["subscription_update"].elements("products");
    let offered =
        products.iter().flat_map(|product| product.elements("prices").iter().filter_map(Value::as_str));
    let ids: Vec<&str> = match confirmed {
        [] => offered.collect(),
        items => items.iter().map(|item| item.text("price")).collect(),
    };
    let is_current =
        |id: &str| subscription.elements("items").iter().any(|item| item["price"].text("id") == id);
    ids.into_iter().filter(|id| !is_current(id)).filter_map(|id| books.objects.get(id).cloned()).collect()
}

fn button(action: &str, subscription: &str, hidden: &str, label: &str, note: &str) -> String {
    format!(
        r#"<form method="post" class="below">
<input type="hidden" name="subscription" value="{subscription}">{hidden}
<button name="action" value="{action}">{label}</button>
<p class="note">{note}</p>
</form>
"#,
        label = Escaped(label),
    )
}

fn card(books: &Books, session: &Value) -> String {
    let customer = books.objects.get(session.text("customer")).cloned().unwrap_or_default();
    let current = customer["invoice_settings"].text("default_payment_method");
    let current = books.objects.get(current).map_or_else(String::new, |method| {
        format!("<p>Now: •••• {}</p>\n", Escaped(method["card"].text("last4")))
    });
    format!(
        r#"<section class="card">
<h2 id="card">Another card</h2>
{current}<form method="post" aria-labelledby="card">
{}<button class="primary" name="action" value="change_card">Save the card</button>
</form>
</section>
{}"#,
        looks::card_fields(),
        looks::card_notes(),
    )
}

fn invoices(books: &Books, customer: &str) -> String {
    let theirs =
        books.objects.of_kind("invoice").rev().filter(|invoice| invoice.text("customer") == customer);
    let rows: String = theirs
        .filter(|invoice| !invoice["hosted_invoice_url"].is_null())
        .map(|invoice| {
            format!(
                "<li class=\"row\"><a class=\"who\" href=\"{}\">{}</a> {} <span class=\"badge\">{}</span></li>\n",
                Escaped(invoice.text("hosted_invoice_url")),
                Escaped(invoice.text("number")),
                looks::dollars(invoice.integer("total")),
                invoice.text("status"),
            )
        })
        .collect();
    format!("<section class=\"card\">\n<h2>Invoices</h2>\n<ul class=\"plain\">\n{rows}</ul>\n</section>\n")
}
