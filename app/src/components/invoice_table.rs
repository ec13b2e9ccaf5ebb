use leptos::prelude::*;

use super::LocalDay;
use crate::types::{Invoice, InvoiceStatus, Nanos};
use crate::wording::billing::{dollars, invoice_status};

/// What was charged, with the papers for it.
#[component]
pub fn InvoiceTable(invoices: Vec<Invoice>) -> impl IntoView {
    if invoices.is_empty() {
        return view! { <p class="muted">"None yet. Each payment will be listed here, with its receipt."</p> }
            .into_any();
    }
    let rows = invoices.into_iter().map(|invoice| view! { <Row invoice/> }).collect_view();
    view! {
        <table class="record-table" aria-label="Invoices">
            <thead>
                <tr>
                    <th scope="col">"Invoice"</th>
                    <th scope="col">"Date"</th>
                    <th scope="col">"Status"</th>
                    <th scope="col">"Documents"</th>
                    <th scope="col" class="number">"Amount"</th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
    }
    .into_any()
}

#[component]
fn Row(invoice: Invoice) -> impl IntoView {
    let Invoice { number, status, total_cents, refunded_cents, created_at, url, pdf_url } = invoice;
    let name = number.unwrap_or_else(|| "Not final yet".to_owned());
    let refund = (refunded_cents > 0 && status != InvoiceStatus::Refunded)
        .then(|| format!("{}, {} given back", invoice_status(status), dollars(refunded_cents)));
    let page = match status {
        InvoiceStatus::Open => "Pay",
        InvoiceStatus::Paid | InvoiceStatus::Refunded => "Receipt",
        _ => "Invoice",
    };
    let link = |url: String, words: &'static str| {
        view! { <a href=url rel="external noopener">{words} <span class="visually-hidden">{format!(" of {name}")}</span></a> }
    };
    let papers = (url.map(|url| link(url, page)), pdf_url.map(|url| link(url, "PDF")));
    view! {
        <tr data-testid="invoice-row">
            <th scope="row">{name.clone()}</th>
            <td class="nowrap"><LocalDay at=created_at/></td>
            <td data-status=format!("{status:?}").to_lowercase()>
                {refund.unwrap_or_else(|| invoice_status(status).to_owned())}
            </td>
            <td class="papers">{papers.0} " " {papers.1}</td>
            <td class="number amount">{Nanos::from_cents(total_cents).to_string()}</td>
        </tr>
    }
}
