use leptos::html;
use leptos::prelude::*;
use leptos_router::components::A;

use super::{HelpLinks, Icon, SignOutForm, Symbol};
use crate::links::{ADMIN_PATH, API_KEYS_PATH, BILLING_PATH};
use crate::types::User;

/// The person's menu. The browser opens and closes it by itself, with or without JavaScript.
#[component]
pub fn UserMenu(user: User) -> impl IntoView {
    let menu = NodeRef::<html::Div>::new();
    let close = move |_| {
        if let Some(menu) = menu.get() {
            _ = menu.hide_popover();
        }
    };
    let label = format!("Account menu of {}", user.display_name);
    view! {
        <button type="button" class="icon-button" data-testid="user-menu" aria-label=label popovertarget="user-menu">
            <Icon symbol=Symbol::Person/>
        </button>
        <div id="user-menu" class="menu" popover="auto" node_ref=menu>
            <p class="menu-name">{user.display_name}</p>
            {user.email.map(|email| view! { <p class="menu-email">{email}</p> })}
            <A href="/account" attr:class="menu-item" on:click=close>"Account and devices"</A>
            <A href="/usage" attr:class="menu-item" on:click=close>"Usage"</A>
            <A href=BILLING_PATH attr:class="menu-item" on:click=close>"Billing"</A>
            <A href=API_KEYS_PATH attr:class="menu-item" on:click=close>"API keys"</A>
            {user.is_operator.then(|| view! { <A href=ADMIN_PATH attr:class="menu-item" on:click=close>"Admin"</A> })}
            // Who looks at somebody else's account is not signed in as them.
            {user.viewing.is_none().then(|| view! { <SignOutForm/> })}
            // The chat has no footer.
            <p class="menu-links"><HelpLinks/></p>
        </div>
    }
}
