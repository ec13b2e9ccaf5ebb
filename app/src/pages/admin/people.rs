use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::api::admin::list_people;
use crate::components::admin::{
    AdminFrame, CheckFilter, Filters, Pager, PeopleTable, SelectFilter, TextFilter,
};
use crate::components::{LoadError, SkeletonLines};
use crate::contexts::use_session;
use crate::links::{PEOPLE_PATH, people_path};
use crate::types::{PeoplePage as People, PeopleQuery, PeopleSort, StandingName};

/// Everybody who has signed in: found by a word or an id, narrowed down, in an order.
#[component]
pub fn PeoplePage() -> impl IntoView {
    let address = use_query_map();
    let query = Memo::new(move |_| address.with(|map| PeopleQuery::from_address(|name| map.get(name))));
    let people = use_session().operator_resource(move || query.get(), list_people);
    view! {
        <AdminFrame title="People" area=PEOPLE_PATH>
            <header class="page-head"><h1>"People"</h1></header>
            <section class="panel" aria-label="People">
                <Transition fallback=|| view! { <SkeletonLines/> }>
                    {move || Suspend::new(async move {
                        match people.await {
                            Ok(people) => view! { <Found people query=query.get_untracked()/> }.into_any(),
                            Err(error) => view! { <LoadError error/> }.into_any(),
                        }
                    })}
                </Transition>
            </section>
        </AdminFrame>
    }
}

#[component]
fn Found(people: People, query: PeopleQuery) -> impl IntoView {
    let People { people, next, plans } = people;
    let to = |after| people_path(&PeopleQuery { after, ..query.clone() });
    let (first, next) = (query.after.map(|_| to(None)), next.map(|place| to(Some(place))));
    let list = match people.is_empty() {
        true => view! { <p class="muted" data-testid="nobody">"Nobody is found."</p> }.into_any(),
        false => view! { <PeopleTable people/> }.into_any(),
    };
    view! {
        <PeopleFilters query plans/>
        {list}
        <Pager label="Pages of people" first next/>
    }
}

#[component]
fn PeopleFilters(query: PeopleQuery, plans: Vec<(String, String)>) -> impl IntoView {
    let any = |title: &str| (String::new(), title.to_owned());
    let option = |key: &str, title: &str| (key.to_owned(), title.to_owned());
    let plans = std::iter::once(any("All plans")).chain(plans).collect();
    let standings = StandingName::ALL.map(|name| option(name.key(), name.title()));
    let standings = std::iter::once(any("However they pay")).chain(standings).collect();
    let sorts = PeopleSort::ALL.map(|sort| option(sort.key(), sort.title())).into();
    let standing = query.standing.map(|name| name.key().to_owned()).unwrap_or_default();
    view! {
        <Filters path=PEOPLE_PATH>
            <TextFilter name="search" label="Search" value=query.search.unwrap_or_default()
                hint="The beginning of a name or an e-mail address, an id of ours or Stripe’s, or that of a reply (chatcmpl-…)"/>
            <SelectFilter name="plan" label="Plan" options=plans chosen=query.plan.unwrap_or_default()/>
            <SelectFilter name="standing" label="Payment" options=standings chosen=standing/>
            <SelectFilter name="sort" label="Order" options=sorts chosen=query.sort.key().to_owned()/>
            <CheckFilter name="suspended" label="Only suspended" is_checked=query.is_suspended/>
        </Filters>
    }
}
