use leptos::prelude::*;

use crate::components::LocalTime;
use crate::components::admin::ErasureTag;
use crate::types::{Person, StandingName};

/// Who it is.
#[component]
pub fn PersonHead(person: Person) -> impl IntoView {
    let Person {
        summary,
        account_id,
        has_verified_email,
        providers,
        customer_id,
        customer_page,
        billing,
        ..
    } = person;
    let unpaid = StandingName::of(summary.standing).filter(|_| summary.standing.needs_payment());
    let email = summary.email.map_or_else(
        || "None shared".to_owned(),
        |email| if has_verified_email { email } else { format!("{email} (not verified)") },
    );
    view! {
        <header class="page-head">
            <h1 data-testid="person-name">{summary.display_name}</h1>
            <p class="person-tags">
                <span class="tag">{summary.plan_name}</span>
                {billing.plan_override.map(|plan| view! { <span class="tag">{plan.plan_name} " by an operator"</span> })}
                {unpaid.map(|standing| view! { <span class="tag tag-danger">{standing.title()}</span> })}
                {summary.is_suspended.then(|| view! { <span class="tag tag-danger" data-testid="is-suspended">"Suspended"</span> })}
                <ErasureTag erase_at=summary.erase_at erased_at=summary.erased_at/>
                {summary.is_operator.then(|| view! { <span class="tag">"Operator"</span> })}
            </p>
        </header>
        <section class="panel" aria-label="Who it is">
            <dl class="facts facts-wide">
                <Fact name="E-mail">{email}</Fact>
                <Fact name="Signs in with">{providers.join(", ")}</Fact>
                <Fact name="First signed in"><LocalTime at=summary.created_at/></Fact>
                <Fact name="Last seen"><LocalTime at=summary.last_seen_at/></Fact>
                <Fact name="Person"><code>{summary.id.to_string()}</code></Fact>
                <Fact name="Account"><code>{account_id.to_string()}</code></Fact>
                <Fact name="Customer at Stripe">
                    {match (customer_id, customer_page) {
                        (Some(id), Some(page)) => view! {
                            <a href=page rel="noreferrer" data-testid="customer-link"><code>{id}</code></a>
                            <span class="cell-note">"Refund at Stripe; the credit follows by itself."</span>
                        }
                        .into_any(),
                        (Some(id), None) => view! { <code>{id}</code> }.into_any(),
                        (None, _) => "None yet".into_any(),
                    }}
                </Fact>
            </dl>
        </section>
    }
}

#[component]
fn Fact(name: &'static str, children: Children) -> impl IntoView {
    view! { <div><dt>{name}</dt><dd>{children()}</dd></div> }
}
