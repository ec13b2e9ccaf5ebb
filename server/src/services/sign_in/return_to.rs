//! Where to go after signing in.

use percent_encoding::percent_decode_str;
use url::Url;

/// A path of our own, never another site's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReturnTo(String);

impl Default for ReturnTo {
    fn default() -> Self {
        Self("/chat".to_owned())
    }
}

impl ReturnTo {
    /// The path, or `/` when the text could lead anywhere else.
    pub(crate) fn parse(text: &str) -> Self {
        Self(if is_own_path(text) { text.to_owned() } else { "/".to_owned() })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

/// Browsers read a backslash as a slash and drop control characters, and something on the way may decode the path once
/// more, so both are refused plain and percent-encoded. The URL parser browsers use has the last word.
fn is_own_path(text: &str) -> bool {
    let decoded = percent_decode_str(text).decode_utf8_lossy();
    let is_plain = |text: &str| {
        text.starts_with('/')
            && !text.starts_with("//")
            && !text.contains(|c: char| c == '\\' || c.is_control())
    };
    let base = Url::parse("https://own.invalid/");
    is_plain(text)
        && is_plain(&decoded)
        && base.and_then(|base| base.join(text)).is_ok_and(|url| url.host_str() == Some("own.invalid"))
}

#[cfg(test)]
mod tests {
    use super::ReturnTo;

    #[test]
    fn own_paths_are_kept() {
        for path in ["/", "/chat", "/chat/0199?x=1&y=a+b#end", "/usage?month=2026-11", "/a%20b"] {
            assert_eq!(ReturnTo::parse(path).as_str(), path);
        }
    }

    /// (4)
    #[test]
    fn everything_that_could_lead_elsewhere_becomes_the_start_page() {
        for text in [
            "",
            "chat",
            "//evil.test",
            "///evil.test",
            "/\\evil.test",
            "\\\\evil.test",
            "/%5Cevil.test",
            "/%2Fevil.test",
            "/\tevil.test",
            "/%09/evil.test",
            "/\n/evil.test",
            "https://evil.test",
            "javascript:alert(1)",
            " //evil.test",
        ] {
            assert_eq!(ReturnTo::parse(text).as_str(), "/", "{text:?}");
        }
    }
}
