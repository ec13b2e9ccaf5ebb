use leptos::form::ActionForm;
use leptos::prelude::*;

use super::{DeedOutcome, ReasonField};
use crate::api::admin::{
    AddModelPrices, CloseRoute, MoveModelUp, MoveRouteUp, ReopenRoute, SetModelOff, SetRouteCosts,
    WithdrawModelPrices,
};
use crate::components::{ActionError, Fold, SubmitButton};
use crate::types::{ModelPrices, ProviderReport, RouteReport};

/// Everything an operator can do about models and the ways to them. Made once at the top of the page, so that what
/// failed is still there when the rest is drawn anew.
#[derive(Clone, Copy)]
pub struct CatalogDeeds {
    pub close: ServerAction<CloseRoute>,
    pub reopen: ServerAction<ReopenRoute>,
    pub move_route: ServerAction<MoveRouteUp>,
    pub set_costs: ServerAction<SetRouteCosts>,
    pub move_model: ServerAction<MoveModelUp>,
    pub set_off: ServerAction<SetModelOff>,
    pub add_prices: ServerAction<AddModelPrices>,
    pub withdraw: ServerAction<WithdrawModelPrices>,
    pub outcome: DeedOutcome,
}

impl CatalogDeeds {
    pub fn new() -> Self {
        let deeds = Self {
            close: ServerAction::new(),
            reopen: ServerAction::new(),
            move_route: ServerAction::new(),
            set_costs: ServerAction::new(),
            move_model: ServerAction::new(),
            set_off: ServerAction::new(),
            add_prices: ServerAction::new(),
            withdraw: ServerAction::new(),
            outcome: DeedOutcome::new(),
        };
        let outcome = deeds.outcome;
        outcome.say_when_done(deeds.close, "The route is closed.");
        outcome.say_when_done(deeds.reopen, "The route is open again.");
        outcome.say_when_done(deeds.move_route, "The route is asked earlier.");
        outcome.say_when_done(deeds.set_costs, "The new costs hold.");
        outcome.say_when_done(deeds.move_model, "The model is shown earlier.");
        outcome.say_when_done(deeds.set_off, "Done. Every server goes by it within seconds.");
        outcome.say_when_done(deeds.add_prices, "The prices are set.");
        outcome.say_when_done(deeds.withdraw, "The prices are withdrawn.");
        deeds
    }
}

/// Why the last deed failed.
#[component]
pub fn CatalogErrors(deeds: CatalogDeeds) -> impl IntoView {
    view! {
        <ActionError action=deeds.close/>
        <ActionError action=deeds.reopen/>
        <ActionError action=deeds.move_route/>
        <ActionError action=deeds.set_costs/>
        <ActionError action=deeds.move_model/>
        <ActionError action=deeds.set_off/>
        <ActionError action=deeds.add_prices/>
        <ActionError action=deeds.withdraw/>
    }
}

/// The forms that change a model.
#[component]
pub fn ModelDeeds(report: ProviderReport, deeds: CatalogDeeds) -> impl IntoView {
    let ProviderReport { key, is_off, prices, price_version, routes, .. } = report;
    let in_force = prices.into_iter().find(|prices| prices.version == price_version);
    let in_force = in_force.map(|version| version.prices);
    let costs = routes.into_iter().map(|RouteReport { key, costs, .. }| {
        view! { <CostForm route=key costs set_costs=deeds.set_costs/> }
    });
    view! {
        <div class="deeds">
            <PriceForm model=key.clone() in_force add_prices=deeds.add_prices/>
            {costs.collect_view()}
            <TurnForm model=key is_off set_off=deeds.set_off/>
        </div>
    }
}

#[component]
fn PriceForm(
    model: String,
    in_force: Option<ModelPrices>,
    add_prices: ServerAction<AddModelPrices>,
) -> impl IntoView {
    let (fold, prefix, from) = (format!("{model}-prices"), format!("{model}-new"), format!("{model}-from"));
    view! {
        <Fold id=fold label="New prices">
            <p class="field-hint">"What people pay for a million tokens. A reply is charged by the prices that held when it was admitted."</p>
            <ActionForm action=add_prices attr:class="deed">
                <input type="hidden" name="model" value=model/>
                <PriceFields prefix prices=in_force>
                    <div class="field">
                        <label for=from.clone()>"From (UTC; empty: now)"</label>
                        <input id=from class="text-field" type="datetime-local" name="from"/>
                    </div>
                </PriceFields>
                <SubmitButton label="Set the prices" is_pending=add_prices.pending() class="button button-primary"
                    test_id=Some("add-prices")/>
            </ActionForm>
        </Fold>
    }
}

#[component]
fn CostForm(route: String, costs: ModelPrices, set_costs: ServerAction<SetRouteCosts>) -> impl IntoView {
    let (fold, label, prefix) =
        (format!("{route}-costs"), format!("Costs of {route}"), format!("{route}-cost"));
    view! {
        <Fold id=fold label>
            <p class="field-hint">"What the provider asks of us for a million tokens, from now on. What is recorded stays."</p>
            <ActionForm action=set_costs attr:class="deed">
                <input type="hidden" name="route" value=route/>
                <PriceFields prefix prices=Some(costs)/>
                <SubmitButton label="Set the costs" is_pending=set_costs.pending() test_id=Some("set-costs")/>
            </ActionForm>
        </Fold>
    }
}

#[component]
fn TurnForm(model: String, is_off: bool, set_off: ServerAction<SetModelOff>) -> impl IntoView {
    let (label, class, hint) = match is_off {
        true => ("Turn on", "button button-primary", "People can choose it again within seconds."),
        false => (
            "Turn off",
            "button button-danger",
            "Nobody can choose it any more within seconds. Replies in progress go on.",
        ),
    };
    let (fold, reason) = (format!("{model}-switch"), format!("{model}-switch-reason"));
    view! {
        <Fold id=fold label>
            <p class="field-hint">{hint}</p>
            <ActionForm action=set_off attr:class="deed">
                <input type="hidden" name="model" value=model/>
                <input type="hidden" name="is_off" value=(!is_off).to_string()/>
                <ReasonField id=reason/>
                <SubmitButton label is_pending=set_off.pending() class test_id=Some("turn-model")/>
            </ActionForm>
        </Fold>
    }
}

/// Prices in dollars, whatever else is asked, and why.
#[component]
fn PriceFields(
    prefix: String,
    prices: Option<ModelPrices>,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    let field = |name: &'static str, label: &'static str, price: fn(&ModelPrices) -> String| {
        let id = format!("{prefix}-{name}");
        view! {
            <div class="field">
                <label for=id.clone()>{label}</label>
                <input id=id class="text-field" name=name inputmode="decimal" autocomplete="off" required
                    value=prices.as_ref().map(price)/>
            </div>
        }
    };
    view! {
        <div class="deed-fields">
            {field("input", "Read ($)", |prices| prices.input.to_decimal())}
            {field("cached_input", "Read before ($)", |prices| prices.cached_input.to_decimal())}
            {field("output", "Written ($)", |prices| prices.output.to_decimal())}
            {children.map(|children| children())}
        </div>
        <ReasonField id=format!("{prefix}-reason")/>
    }
}
