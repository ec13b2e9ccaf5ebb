use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::ApiResult;
use crate::api::admin::{
    ReconcileWithStripe, ReplayStripeEvent, ResendUsage, list_stripe_events, read_stripe_event,
    read_stripe_report,
};
use crate::components::admin::{
    AdminFrame, ComparisonList, DeedOutcome, EventDetail, EventTable, Filters, MoneyBackTable, OutcomeNote,
    Pager, RefusedUsageTable, SelectFilter, StripeFigures, TextFilter,
};
use crate::components::{ActionError, ButtonForm, LoadError, SkeletonLines};
use crate::contexts::use_session;
use crate::links::{STRIPE_PATH, stripe_events_path};
use crate::types::{EventState, EventsPage, EventsQuery, StripeEventDetail, StripeReport};

/// What the page shows at once.
type Shown = (StripeReport, EventsPage, Option<StripeEventDetail>);

/// What Stripe told us, what became of it, and whether its books and ours agree.
#[component]
pub fn StripePage() -> impl IntoView {
    let address = use_query_map();
    let query = Memo::new(move |_| address.with(|map| EventsQuery::from_address(|name| map.get(name))));
    let chosen = Memo::new(move |_| address.with(|map| map.get("event")));
    let replay = ServerAction::<ReplayStripeEvent>::new();
    let reconcile = ServerAction::<ReconcileWithStripe>::new();
    let resend = ServerAction::<ResendUsage>::new();
    let outcome = DeedOutcome::new();
    outcome.say_when_done(replay, "Stripe is asked again. Reload in a moment to see what came of it.");
    outcome.say_when_done(reconcile, "Everything is being compared. Reload in a moment to see what differs.");
    outcome.say_when_done(resend, "It is sent again within a minute.");
    let source = move || (query.get(), chosen.get(), outcome.count());
    let shown = use_session().operator_resource(source, |(query, chosen, ..)| load(query, chosen));
    view! {
        <AdminFrame title="Stripe" area=STRIPE_PATH>
            <header class="page-head">
                <h1>"Stripe"</h1>
                <p class="muted">"Every event is kept. Each has the customer read anew, so replaying one is always safe."</p>
            </header>
            <OutcomeNote outcome/>
            <ActionError action=replay/>
            <ActionError action=reconcile/>
            <ActionError action=resend/>
            <Transition fallback=|| view! { <SkeletonLines/> }>
                {move || Suspend::new(async move {
                    match shown.await {
                        Ok(shown) => view! { <Whole shown query=query.get_untracked() replay reconcile resend/> }.into_any(),
                        Err(error) => view! { <LoadError error/> }.into_any(),
                    }
                })}
            </Transition>
        </AdminFrame>
    }
}

async fn load(query: EventsQuery, chosen: Option<String>) -> ApiResult<Shown> {
    let detail = match chosen {
        Some(id) => Some(read_stripe_event(id).await?),
        None => None,
    };
    Ok((read_stripe_report().await?, list_stripe_events(query).await?, detail))
}

#[component]
fn Whole(
    shown: Shown,
    query: EventsQuery,
    replay: ServerAction<ReplayStripeEvent>,
    reconcile: ServerAction<ReconcileWithStripe>,
    resend: ServerAction<ResendUsage>,
) -> impl IntoView {
    let (report, events, detail) = shown;
    let StripeReport { comparisons, refused_usage, money_back, .. } = report.clone();
    view! {
        {detail.map(|detail| view! {
            <section class="panel" aria-labelledby="event"><EventDetail detail/></section>
        })}
        <section class="panel" aria-label="How it stands"><StripeFigures report/></section>
        <section class="panel" aria-labelledby="events">
            <h2 id="events">"Events"</h2>
            <Events events query replay/>
        </section>
        <section class="panel" aria-labelledby="money-back">
            <h2 id="money-back">"Refunds and disputes"</h2>
            {match money_back.is_empty() {
                true => view! { <p class="muted">"Nothing has gone back to anybody."</p> }.into_any(),
                false => view! { <MoneyBackTable rows=money_back/> }.into_any(),
            }}
        </section>
        {(!refused_usage.is_empty()).then(|| view! {
            <section class="panel" aria-labelledby="refused-usage">
                <h2 id="refused-usage">"Usage that Stripe refused"</h2>
                <p class="muted">"It is not billed until it is sent again and taken."</p>
                <RefusedUsageTable usage=refused_usage resend/>
            </section>
        })}
        <section class="panel" aria-labelledby="comparisons">
            <h2 id="comparisons">"Comparisons"</h2>
            <ComparisonList comparisons/>
            <div class="panel-actions">
                <ButtonForm action=reconcile label="Compare everything now" class="button" test_id="reconcile"/>
            </div>
        </section>
    }
}

#[component]
fn Events(events: EventsPage, query: EventsQuery, replay: ServerAction<ReplayStripeEvent>) -> impl IntoView {
    let EventsPage { events, next } = events;
    let to = |before| stripe_events_path(&EventsQuery { before, ..query.clone() });
    let (first, next) = (query.before.map(|_| to(None)), next.map(|at| to(Some(at))));
    let list = match events.is_empty() {
        true => view! { <p class="muted" data-testid="no-events">"There is none."</p> }.into_any(),
        false => view! { <EventTable events replay/> }.into_any(),
    };
    let states = EventState::ALL.map(|state| (state.to_string(), state.title().to_owned())).into();
    view! {
        <Filters path=STRIPE_PATH>
            <SelectFilter name="state" label="State" options=states chosen=query.state.to_string()/>
            <TextFilter name="customer" label="Customer’s id" value=query.customer.unwrap_or_default()/>
        </Filters>
        {list}
        <Pager label="Pages of events" first next/>
    }
}
