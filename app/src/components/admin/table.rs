use leptos::prelude::*;

/// The head of a column.
#[derive(Clone, Copy)]
pub struct Column {
    name: &'static str,
    is_number: bool,
}

impl Column {
    pub const fn text(name: &'static str) -> Self {
        Self { name, is_number: false }
    }

    pub const fn number(name: &'static str) -> Self {
        Self { name, is_number: true }
    }
}

/// A table of records; on a phone each row is a card. The rows are `<tr>`s whose first cell is a `<th scope="row">`.
#[component]
pub fn RecordTable(
    #[prop(into)] label: String,
    #[prop(into)] columns: Vec<Column>,
    /// After the rows: their sum.
    #[prop(optional)]
    foot: Option<AnyView>,
    children: Children,
) -> impl IntoView {
    let head = columns.into_iter().map(|column| {
        view! { <th scope="col" class=column.is_number.then_some("number")>{column.name}</th> }
    });
    view! {
        <table class="record-table" aria-label=label>
            <thead><tr>{head.collect_view()}</tr></thead>
            <tbody>{children()}</tbody>
            {foot}
        </table>
    }
}

/// The ways to other pages of a list. None: this page is the first, or the last.
#[component]
pub fn Pager(
    /// What is listed, for those who hear the page.
    label: &'static str,
    first: Option<String>,
    next: Option<String>,
) -> impl IntoView {
    let has_any = first.is_some() || next.is_some();
    has_any.then(|| view! {
        <nav class="panel-actions" aria-label=label>
            {first.map(|path| view! { <a class="button" href=path data-testid="first-page">"First page"</a> })}
            {next.map(|path| view! { <a class="button" href=path data-testid="next-page">"Next page"</a> })}
        </nav>
    })
}
