//! Light, dark, or as the system says: kept in a cookie, so that the server's page has it from the first byte.

use crate::browser;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    const COOKIE: &'static str = "theme";
    pub const ATTRIBUTE: &'static str = "data-theme";

    pub fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    pub fn next(self) -> Self {
        match self {
            Self::System => Self::Light,
            Self::Light => Self::Dark,
            Self::Dark => Self::System,
        }
    }

    fn parse(name: &str) -> Self {
        match name {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::System,
        }
    }

    #[cfg(any(feature = "ssr", test))]
    fn from_cookies(header: &str) -> Self {
        let mut pairs = header.split(';').filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(name, _)| *name == Self::COOKIE).map(|(_, value)| Self::parse(value)).unwrap_or_default()
    }

    /// Shows it and remembers it.
    pub fn choose(self) {
        browser::set_root_attribute(Self::ATTRIBUTE, self.name());
        browser::set_cookie(Self::COOKIE, self.name());
    }
}

/// From the request's cookie on the server, from the page it made in the browser: both agree.
pub fn current_theme() -> Theme {
    #[cfg(feature = "ssr")]
    {
        use leptos::prelude::use_context;

        let parts = use_context::<http::request::Parts>();
        let cookies = parts.as_ref().and_then(|parts| parts.headers.get(http::header::COOKIE)?.to_str().ok());
        cookies.map(Theme::from_cookies).unwrap_or_default()
    }
    #[cfg(all(feature = "hydrate", not(feature = "ssr")))]
    return browser::root_attribute(Theme::ATTRIBUTE).map(|name| Theme::parse(&name)).unwrap_or_default();
    #[cfg(not(any(feature = "hydrate", feature = "ssr")))]
    Theme::System
}

#[cfg(test)]
mod tests {
    use super::Theme;

    #[test]
    fn the_theme_is_found_among_other_cookies() {
        assert_eq!(Theme::from_cookies("a=b; theme=dark; c=d"), Theme::Dark);
        assert_eq!(Theme::from_cookies("mytheme=dark"), Theme::System);
        assert_eq!(Theme::from_cookies("theme=<script>"), Theme::System);
    }
}
