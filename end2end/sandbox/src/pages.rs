//! The few HTML pages people see. Plain forms: they work without JavaScript.

pub(crate) mod control;
pub(crate) mod home;
pub(crate) mod mail;
pub(crate) mod picker;
pub(crate) mod stripe;

use std::fmt::{self, Display, Formatter, Write as _};

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

const STYLE: &str = include_str!("pages/style.css");

/// A page that explains why a request cannot be answered, status 400.
pub(crate) fn problem(title: &str, explanation: &str) -> Response {
    let body = format!("<h1>{}</h1>\n<p>{}</p>", Escaped(title), Escaped(explanation));
    (StatusCode::BAD_REQUEST, Html(layout(title, &body))).into_response()
}

fn layout(title: &str, body: &str) -> String {
    format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>{} · Sandbox</title>
<style>{STYLE}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"#,
        Escaped(title)
    )
}

/// Text made safe for HTML content and quoted attributes.
pub(crate) struct Escaped<'a>(pub(crate) &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => formatter.write_str("&amp;")?,
                '<' => formatter.write_str("&lt;")?,
                '>' => formatter.write_str("&gt;")?,
                '"' => formatter.write_str("&quot;")?,
                '\'' => formatter.write_str("&#39;")?,
                other => formatter.write_char(other)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_escaped() {
        assert_eq!(Escaped(r#"<a b="c">&'"#).to_string(), "&lt;a b=&quot;c&quot;&gt;&amp;&#39;");
    }
}
