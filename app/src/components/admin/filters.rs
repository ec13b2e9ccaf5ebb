use leptos::prelude::*;

/// What a list is narrowed down by: a plain form whose fields end up in the address, so it works without JavaScript and
/// can be kept as a bookmark.
#[component]
pub fn Filters(
    /// The page.
    path: &'static str,
    children: Children,
) -> impl IntoView {
    view! {
        <form class="filters" method="get" action=path role="search">
            {children()}
            <div class="filter-actions">
                <button type="submit" class="button button-primary">"Show"</button>
                <a class="button" href=path>"Clear"</a>
            </div>
        </form>
    }
}

#[component]
pub fn TextFilter(
    name: &'static str,
    label: &'static str,
    value: String,
    #[prop(optional)] hint: Option<&'static str>,
) -> impl IntoView {
    let id = format!("filter-{name}");
    let hint_id = format!("{id}-hint");
    view! {
        <div class="field filter-text">
            <label for=id.clone()>{label}</label>
            <input id=id class="text-field" type="search" name=name value=value autocomplete="off" spellcheck="false"
                aria-describedby=hint.map(|_| hint_id.clone())/>
            {hint.map(|hint| view! { <p class="field-hint" id=hint_id>{hint}</p> })}
        </div>
    }
}

/// A choice among values with names. The empty value stands for all of them.
#[component]
pub fn SelectFilter(
    name: &'static str,
    label: &'static str,
    options: Vec<(String, String)>,
    chosen: String,
) -> impl IntoView {
    let id = format!("filter-{name}");
    let options = options.into_iter().map(|(value, title)| {
        let is_chosen = value == chosen;
        view! { <option value=value selected=is_chosen>{title}</option> }
    });
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <select id=id class="text-field" name=name>{options.collect_view()}</select>
        </div>
    }
}

#[component]
pub fn CheckFilter(name: &'static str, label: &'static str, is_checked: bool) -> impl IntoView {
    view! {
        <label class="check-field"><input type="checkbox" name=name value="true" checked=is_checked/> {label}</label>
    }
}
