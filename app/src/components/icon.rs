use leptos::prelude::*;

/// What an [`Icon`] shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Symbol {
    Plus,
    Pencil,
    Bin,
    Menu,
    Close,
    Search,
    Send,
    Stop,
    Copy,
    Again,
    Down,
    Left,
    Right,
    Forward,
    Unfold,
    Person,
    Sun,
    Moon,
    Screen,
    Warning,
    ThumbUp,
    ThumbDown,
}

impl Symbol {
    fn path(self) -> &'static str {
        match self {
            Self::Plus => "M10 4v12M4 10h12",
            Self::Pencil => "M4 16l.8-3.6L13 4.2l2.8 2.8-8.2 8.2L4 16zM11.5 5.7l2.8 2.8",
            Self::Bin => "M4 6h12M8 6V4h4v2M5.5 6l.7 10h7.6l.7-10M8.5 9v4.5M11.5 9v4.5",
            Self::Menu => "M3.5 6h13M3.5 10h13M3.5 14h13",
            Self::Close => "M5 5l10 10M15 5L5 15",
            Self::Search => "M9 14a5 5 0 1 0 0-10 5 5 0 0 0 0 10zM12.6 12.6L16 16",
            Self::Send => "M10 16V4.5M5 9.5l5-5 5 5",
            Self::Stop => "M6 6h8v8H6z",
            Self::Copy => "M7.5 7.5h8v8h-8zM12.5 7.5v-3h-8v8h3",
            Self::Again => "M15.5 10a5.5 5.5 0 1 1-1.7-4M15.5 3.5V7H12",
            Self::Down => "M10 4v11.5M5 10.5l5 5 5-5",
            Self::Left => "M12 5.5L7.5 10l4.5 4.5",
            Self::Right => "M8 5.5l4.5 4.5L8 14.5",
            Self::Forward => "M4 10h11.5M10.5 5l5 5-5 5",
            Self::Unfold => "M6.5 8L10 4.5 13.5 8M6.5 12l3.5 3.5 3.5-3.5",
            Self::Person => "M10 10.2a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM4 16.5c.6-2.8 3-4.2 6-4.2s5.4 1.4 6 4.2",
            Self::Sun => {
                "M10 13a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM10 2.5v1.7M10 15.8v1.7M2.5 10h1.7M15.8 10h1.7M4.7 4.7l1.2 1.2M14.1 14.1l1.2 1.2M15.3 4.7l-1.2 1.2M5.9 14.1l-1.2 1.2"
            }
            Self::Moon => "M16 11.8A6.5 6.5 0 0 1 8.2 4a6.5 6.5 0 1 0 7.8 7.8z",
            Self::Screen => "M3.5 4.5h13v9h-13zM7.5 16.5h5M10 13.5v3",
            Self::ThumbUp => {
                "M4 9h2.5v7.5H4zM6.5 9l3-5.5c1.2 0 2 .9 2 2V8h3.6c.9 0 1.5.8 1.3 1.7l-1.2 5.4c-.2.8-.8 1.4-1.6 1.4H6.5"
            }
            Self::ThumbDown => {
                "M4 3.5h2.5V11H4zM6.5 11l3 5.5c1.2 0 2-.9 2-2V12h3.6c.9 0 1.5-.8 1.3-1.7l-1.2-5.4c-.2-.8-.8-1.4-1.6-1.4H6.5"
            }
            Self::Warning => "M10 3.5l7 12.5H3L10 3.5zM10 8.5v3.5M10 14v.3",
        }
    }
}

/// A small drawing beside words, or inside a button that has a label of its own.
#[component]
pub fn Icon(symbol: Symbol) -> impl IntoView {
    view! {
        <svg class="icon" viewBox="0 0 20 20" width="20" height="20" aria-hidden="true" focusable="false">
            <path d=symbol.path()></path>
        </svg>
    }
}
