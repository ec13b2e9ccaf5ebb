//! Takes out of a text what must not leave the process, whoever put it there: the last line of defence, not the first.

use app::types::ApiKey;

/// How our own keys and the secrets of the services that we use begin.
pub(super) const SECRETS: [&str; 8] = [ApiKey::PREFIX, "sk_", "rk_", "sk-", "whsec_", "ghp_", "gho_", "eyJ"];

/// The text without e-mail addresses, secrets, and what comes after the `?` of an address.
pub(super) fn scrub(text: &str) -> String {
    text.split_inclusive(is_between_words).map(scrub_word).collect()
}

fn is_between_words(letter: char) -> bool {
    letter.is_whitespace() || matches!(letter, '"' | '\'' | '(' | ')' | '<' | '>' | ',' | ';' | '`')
}

fn scrub_word(word: &str) -> String {
    let bare = word.trim_end_matches(is_between_words);
    let end = &word[bare.len()..];
    let is_secret = |part: &str| SECRETS.iter().any(|secret| part.starts_with(secret));
    if bare.split('=').any(is_secret) {
        return format!("[secret]{end}");
    }
    if let Some((before, after)) = bare.split_once('@') {
        // `scheme://name:password@host`
        if before.contains("://") {
            return format!("[url]{end}");
        }
        if after.contains('.') {
            return format!("[address]{end}");
        }
    }
    match bare.split_once('?') {
        Some((path, query)) if path.contains('/') && !query.is_empty() => format!("{path}?[query]{end}"),
        _ => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_secrets_and_queries_are_taken_out() {
        let cases = [
            ("no user ada@example.com (\"bob@mail.example.org\")", "no user [address] (\"[address]\")"),
            ("GET /auth/oidc/callback?code=abc&state=def: 500", "GET /auth/oidc/callback?[query]"),
            ("the key sk_test_12345, and whsec_abc", "the key [secret], and [secret]"),
            ("Authorization: Bearer plb_abc-def_123", "Authorization: Bearer [secret]"),
            ("token=eyJhbGciOi.x.y", "[secret]"),
            ("cannot reach postgres://me:secret@db.example/x", "cannot reach [url]"),
        ];
        for (text, expected) in cases {
            assert!(scrub(text).starts_with(expected), "{}", scrub(text));
        }
    }

    #[test]
    fn everything_else_stays_as_it_is() {
        for text in ["Answered 503 in 12 ms", "why? because", "a/b/c", "user@localhost", "x = y, z"] {
            assert_eq!(scrub(text), text);
        }
    }
}
