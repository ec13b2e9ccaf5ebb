use leptos::form::ActionForm;
use leptos::prelude::*;

use super::{ActionError, LocalDay, PortalForm, SubmitButton};
use crate::api::ResumeSubscription;
use crate::browser;
use crate::contexts::use_clock;
use crate::links::{CANCEL_PATH, PRICING_PATH};
use crate::types::{PlanOverride, PortalPage, Standing, Subscription};
use crate::wording::billing::{next_step, price};

/// How things stand in a sentence, what is paid and when, and every way to change it.
#[component]
pub fn SubscriptionPanel(
    standing: Standing,
    subscription: Option<Subscription>,
    plan_override: Option<PlanOverride>,
    is_open: bool,
    resume: ServerAction<ResumeSubscription>,
) -> impl IntoView {
    let badge = badge(standing, subscription.as_ref());
    // What was taken back took its button with it: the focus goes to what is true now.
    Effect::new(move |_| {
        if resume.version().get_untracked() > 0 {
            browser::focus_later(SENTENCE);
        }
    });
    let content = match subscription {
        Some(subscription) => view! { <Subscribed standing subscription resume/> }.into_any(),
        None => view! { <NotSubscribed is_open is_free=plan_override.is_none()/> }.into_any(),
    };
    view! {
        <section class="panel" aria-labelledby="subscription-heading" data-testid="subscription">
            <div class="panel-head">
                <h2 id="subscription-heading">"Subscription"</h2>
                <p class="badge">{badge}</p>
            </div>
            {plan_override.map(|plan| view! {
                <p class="note" data-testid="plan-override">
                    <span>"You have been given " {plan.plan_name} ", with its limits and models, until " <LocalDay at=plan.ends_at/> ". You are not charged for it."</span>
                </p>
            })}
            {content}
        </section>
    }
}

const SENTENCE: &str = "standing-sentence";

fn badge(standing: Standing, subscription: Option<&Subscription>) -> &'static str {
    match (standing, subscription) {
        (Standing::PastDue { .. }, _) => "Payment failed",
        (Standing::Frozen { .. }, _) => "Paused",
        (_, None) => "Free",
        (_, Some(Subscription { ends_at: Some(_), .. })) => "Cancelled",
        (_, Some(_)) => "Active",
    }
}

#[component]
fn NotSubscribed(is_open: bool, is_free: bool) -> impl IntoView {
    let plan = if is_free { "You are on Free. " } else { "" };
    let sentence = match is_open {
        true => "Nothing is charged, and no card is kept.",
        false => "Nothing can be bought here: payments are not set up.",
    };
    view! {
        <p class="standing-sentence" data-testid="standing-sentence">{format!("{plan}{sentence}")}</p>
        <div class="panel-actions">
            <a class=if is_open { "button button-primary" } else { "button" } href=PRICING_PATH>"See plans and prices"</a>
        </div>
    }
}

#[component]
fn Subscribed(
    standing: Standing,
    subscription: Subscription,
    resume: ServerAction<ResumeSubscription>,
) -> impl IntoView {
    let Subscription {
        plan_name,
        interval,
        amount_cents,
        renews_at,
        ends_at,
        changes_to,
        unpaid_change_url,
        ..
    } = subscription.clone();
    let can_take_back = ends_at.is_some() || changes_to.is_some();
    let next = match ends_at {
        _ if standing.needs_payment() => {
            view! { <div><dt>"Next payment"</dt><dd>"Due now"</dd></div> }.into_any()
        }
        Some(at) => view! { <div><dt>"Ends on"</dt><dd><LocalDay at/></dd></div> }.into_any(),
        None => view! { <div><dt>"Next payment"</dt><dd><LocalDay at=renews_at/></dd></div> }.into_any(),
    };
    let unpaid_change = unpaid_change_url.map(|url| {
        view! {
            <div class="note">
                <p>"Your change of plan waits for its payment."</p>
                <a class="button button-small" href=url rel="external">"Pay and change"</a>
            </div>
        }
    });
    view! {
        <StandingSentence standing subscription/>
        {unpaid_change}
        <dl class="facts facts-row">
            <div><dt>"Plan"</dt><dd>{format!("{plan_name}, {}", price(amount_cents, interval))}</dd></div>
            {next}
        </dl>
        <div class="panel-actions">
            {standing.needs_payment().then(|| view! {
                <PortalForm page=PortalPage::UnpaidInvoice label="Pay now" class="button button-primary"/>
            })}
            {can_take_back.then(|| view! { <TakeBackForm plan_name resume/> })}
            {(!standing.needs_payment()).then(|| view! { <a class="button" href=PRICING_PATH>"Change plan"</a> })}
            {ends_at.is_none().then(|| view! { <a class="button button-danger" href=CANCEL_PATH>"Cancel subscription"</a> })}
        </div>
        <ActionError action=resume/>
    }
}

#[component]
fn StandingSentence(standing: Standing, subscription: Subscription) -> impl IntoView {
    let clock = use_clock();
    let name = subscription.plan_name.clone();
    let sentence = match standing {
        Standing::PastDue { since, grace_ends_at } => view! {
            "The payment of " <LocalDay at=since/> " failed. You keep " {name} " with a smaller budget until "
            <LocalDay at=grace_ends_at/> "; then replies pause until it is paid."
        }
        .into_any(),
        Standing::Frozen { since } => view! {
            "Replies have been paused since " <LocalDay at=since/> ", because " {name}
            " could not be paid. Once it is paid, all goes on as before."
        }
        .into_any(),
        Standing::Free | Standing::Active | Standing::Suspended => {
            let zone = move || clock.zone(subscription.renews_at);
            (move || next_step(&subscription, zone())).into_any()
        }
    };
    view! { <p class="standing-sentence" id=SENTENCE tabindex="-1" data-testid="standing-sentence">{sentence}</p> }
}

/// Takes back a cancellation or a planned change.
#[component]
fn TakeBackForm(plan_name: String, resume: ServerAction<ResumeSubscription>) -> impl IntoView {
    view! {
        <ActionForm action=resume>
            <SubmitButton label=format!("Keep {plan_name}") is_pending=resume.pending() class="button button-primary" test_id=Some("take-back")/>
        </ActionForm>
    }
}
