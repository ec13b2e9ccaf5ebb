use leptos::form::ActionForm;
use leptos::prelude::*;

use super::limit_meter::Bar;
use super::{ActionError, SubmitButton, after_success};
use crate::api::{SetOverageCap, StopOverage};
use crate::browser;
use crate::contexts::use_quota;
use crate::types::{Nanos, OverageTerms};
use crate::wording::billing::overage_sentence;

const SENTENCE: &str = "overage-sentence";

/// Whether replies may cost more than there is credit, how much of that is used, and the forms that change it. They work
/// without JavaScript.
#[component]
pub fn OveragePanel(
    terms: OverageTerms,
    set: ServerAction<SetOverageCap>,
    stop: ServerAction<StopOverage>,
) -> impl IntoView {
    let quota = use_quota();
    // The forms are drawn anew, and the focus goes to what is true now.
    Effect::new(move |_| {
        if set.version().get_untracked() + stop.version().get_untracked() > 0 {
            browser::focus_later(SENTENCE);
        }
    });
    after_success(set, move || quota.reload());
    after_success(stop, move || quota.reload());
    let OverageTerms { most, cap, used, held } = terms;
    let badge = if cap.is_some() { "On" } else { "Off" };
    let left = cap.map(|cap| (cap - used - held).or_zero());
    view! {
        <section class="panel" id="pay-as-you-go" aria-labelledby="overage-heading" data-testid="overage">
            <div class="panel-head">
                <h2 id="overage-heading">"Pay as you go"</h2>
                <p class="badge" data-testid="overage-state">{badge}</p>
            </div>
            <p class="standing-sentence" id=SENTENCE tabindex="-1">{overage_sentence(&terms)}</p>
            {cap.zip(left).map(|(cap, left)| view! {
                <p class="limit-left" data-testid="overage-left"><b>{left.to_cents_text()}</b> {format!(" of {cap} left this month")}</p>
                <Bar value=left.0 most=cap.0 label="What the pay-as-you-go cap leaves".to_owned()/>
            })}
            {(used > Nanos::ZERO).then(|| view! {
                <dl class="facts facts-row">
                    <div><dt>"On your next invoice"</dt><dd data-testid="overage-used">{used.to_string()}</dd></div>
                </dl>
            })}
            {most.map(|most| view! { <CapForm most cap set/> })}
            {cap.map(|_| view! {
                <ActionForm action=stop>
                    <SubmitButton label="Switch off" is_pending=stop.pending() class="button" test_id=Some("overage-stop")/>
                </ActionForm>
            })}
            <ActionError action=stop/>
        </section>
    }
}

#[component]
fn CapForm(most: Nanos, cap: Option<Nanos>, set: ServerAction<SetOverageCap>) -> impl IntoView {
    let amount = cap.map(|cap| cap.to_decimal()).unwrap_or_default();
    let label = if cap.is_some() { "Change the cap" } else { "Switch on" };
    view! {
        <ActionForm action=set>
            <div class="field">
                <label for="overage-amount">{format!("Beyond your credit, spend at most a month, in dollars (up to {most})")}</label>
                <input
                    id="overage-amount"
                    class="text-field"
                    name="amount"
                    inputmode="decimal"
                    autocomplete="off"
                    placeholder="20.00"
                    required
                    value=amount
                    aria-describedby="overage-error"
                />
            </div>
            <div class="cap-error" id="overage-error"><ActionError action=set/></div>
            <div class="cap-actions">
                <SubmitButton label is_pending=set.pending() class="button button-primary" test_id=Some("overage-set")/>
            </div>
        </ActionForm>
    }
}
