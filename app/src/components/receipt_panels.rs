use leptos::prelude::*;

use super::StatementTable;
use crate::types::{Charge, ChargeLine, Nanos, Receipt, ReceiptAttempt};
use crate::wording::usage::{count, counting_notes, duration, hold_sentence, outcome};

/// Why a reply cost what it cost, so that anybody can compute it again.
#[component]
pub fn ReceiptPanels(receipt: Receipt) -> impl IntoView {
    let held = receipt.held;
    let charged = receipt.charge.as_ref().map(|charge| charge.charged);
    let is_charged = charged.is_some_and(|charged| charged > Nanos::ZERO);
    let charge = receipt.charge.map(|charge| view! { <ChargePanel charge/> });
    let entries = (!receipt.entries.is_empty())
        .then(|| view! { <StatementTable entries=receipt.entries label="Posted for this reply"/> });
    view! {
        {charge}
        <section class="panel" aria-labelledby="attempts-heading">
            <div class="panel-head"><h2 id="attempts-heading">"Attempts"</h2></div>
            <AttemptTable attempts=receipt.attempts is_charged/>
        </section>
        <section class="panel" aria-labelledby="ledger-heading">
            <div class="panel-head"><h2 id="ledger-heading">"On your statement"</h2></div>
            {entries}
            <p class="report-note">{hold_sentence(held, charged)}</p>
        </section>
    }
}

#[component]
fn ChargePanel(charge: Charge) -> impl IntoView {
    let notes = counting_notes(&charge);
    let notes = notes.into_iter().map(|note| view! { <p class="report-note">{note}</p> }).collect_view();
    let [read, cached, written] = charge.lines();
    let reasoning = (charge.reasoning_tokens > 0)
        .then(|| format!("{} of them to think before answering", count(charge.reasoning_tokens.into())));
    view! {
        <section class="panel" aria-labelledby="charge-heading">
            <div class="panel-head">
                <h2 id="charge-heading">"How it adds up"</h2>
                <p class="badge">{format!("Price version {}", charge.price_version)}</p>
            </div>
            <table class="record-table" aria-label="How it adds up">
                <thead>
                    <tr>
                        <th scope="col">"Tokens"</th>
                        <th scope="col" class="number">"Number"</th>
                        <th scope="col" class="number">"Price of a million"</th>
                        <th scope="col" class="number">"Amount"</th>
                    </tr>
                </thead>
                <tbody>
                    <Line name="In" note=None line=read/>
                    <Line name="In, cached" note=Some("read before by the provider".to_owned()) line=cached/>
                    <Line name="Out" note=reasoning line=written/>
                </tbody>
                <tfoot>
                    <tr>
                        <th scope="row" colspan="3">"Sum"</th>
                        <td class="number amount">{charge.exact().to_string()}</td>
                    </tr>
                    <tr>
                        <th scope="row" colspan="3">"Charged: the sum, rounded half up to a billionth of a dollar"</th>
                        <td class="number amount" data-testid="receipt-charged">{charge.charged.to_string()}</td>
                    </tr>
                </tfoot>
            </table>
            <p class="report-note">
                {format!("Tokens in: {}, of these cached: {}. Number × price of a million ÷ 1,000,000 = amount.",
                    count(charge.input_tokens.into()), count(charge.cached_input_tokens.into()))}
            </p>
            {notes}
        </section>
    }
}

#[component]
fn Line(name: &'static str, note: Option<String>, line: ChargeLine) -> impl IntoView {
    view! {
        <tr data-testid="charge-line">
            <th scope="row">{name} {note.map(|note| view! { <span class="muted">" · " {note}</span> })}</th>
            <td class="number" data-label="Number">{count(line.tokens.into())}</td>
            <td class="number" data-label="× price of a million">{line.price.to_string()}</td>
            <td class="number amount">{line.product().to_string()}</td>
        </tr>
    }
}

#[component]
fn AttemptTable(attempts: Vec<ReceiptAttempt>, is_charged: bool) -> impl IntoView {
    if attempts.is_empty() {
        return view! { <p class="report-note">"None is recorded: the server that wrote this reply went away, or is still writing it."</p> }
            .into_any();
    }
    let rows = attempts.into_iter().map(|attempt| view! { <AttemptRow attempt is_charged/> }).collect_view();
    view! {
        <table class="record-table" aria-label="Attempts">
            <thead>
                <tr>
                    <th scope="col">"Route"</th>
                    <th scope="col">"What happened"</th>
                    <th scope="col" class="number">"First token after"</th>
                    <th scope="col" class="number">"Ended after"</th>
                    <th scope="col" class="number">"Charge"</th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
    }
    .into_any()
}

#[component]
fn AttemptRow(attempt: ReceiptAttempt, is_charged: bool) -> impl IntoView {
    let first_token = attempt.first_token_ms.map_or("never".to_owned(), duration);
    let charge = if attempt.is_used && is_charged { "Charged" } else { "No charge" };
    view! {
        <tr data-testid="attempt-row">
            <th scope="row">{attempt.route}</th>
            <td>{outcome(&attempt.outcome)}</td>
            <td class="number" data-label="First token">{first_token}</td>
            <td class="number" data-label="Ended">{duration(attempt.duration_ms)}</td>
            <td class="number amount">{charge}</td>
        </tr>
    }
}
