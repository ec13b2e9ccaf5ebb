//! Masks what people and models write, before it leaves the process: e-mail addresses, card numbers and keys, wherever they stand.
//! It would rather take too much than too little; what it cannot know, such as names, it leaves.

use serde_json::Value;

use super::scrub::SECRETS;

/// How more keys begin, of services that people use.
const KEYS: [&str; 8] = ["AKIA", "ASIA", "AIza", "xox", "glpat-", "github_pat_", "npm_", "hf_"];

/// A run of letters and digits, both among them, that is so long is no word.
const KEY_LENGTH: usize = 32;

/// Digits of a card number.
const CARD_DIGITS: std::ops::RangeInclusive<usize> = 13..=19;

/// The text with a word in brackets for each.
pub(super) fn mask(text: &str) -> String {
    mask_cards(&mask_words(text))
}

/// Every text in a piece of JSON: not as it is written there, where the escape before a key would hide how it begins.
pub(super) fn mask_json(json: &str) -> String {
    match serde_json::from_str(json) {
        Ok(value) => mask_value(value).to_string(),
        Err(_) => mask(json),
    }
}

fn mask_value(value: Value) -> Value {
    match value {
        Value::String(text) => mask(&text).into(),
        Value::Array(values) => values.into_iter().map(mask_value).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, mask_value(value))).collect(),
        other => other,
    }
}

fn mask_words(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_of_word) {
        let (before, from) = rest.split_at(start);
        let (word, after) = from.split_at(from.find(|letter| !is_of_word(letter)).unwrap_or(from.len()));
        masked.push_str(before);
        masked.push_str(replacement(word).unwrap_or(word));
        rest = after;
    }
    masked.push_str(rest);
    masked
}

/// Of addresses and keys.
fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '@' | '.' | '_' | '-' | '+' | '%')
}

fn replacement(word: &str) -> Option<&'static str> {
    let is_address =
        |(name, host): (&str, &str)| !name.is_empty() && host.trim_end_matches('.').contains('.');
    if word.split_once('@').is_some_and(is_address) {
        return Some("[address]");
    }
    let begins_as = |key: &&str| word.starts_with(*key) && word.len() >= key.len() + 8;
    if SECRETS.iter().any(begins_as) || KEYS.iter().any(begins_as) {
        return Some("[secret]");
    }
    word.split(['.', '-']).any(is_random).then_some("[secret]")
}

fn is_random(part: &str) -> bool {
    part.len() >= KEY_LENGTH
        && part.bytes().any(|byte| byte.is_ascii_digit())
        && part.bytes().any(|byte| byte.is_ascii_alphabetic())
}

fn mask_cards(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|letter: char| letter.is_ascii_digit()) {
        let (before, from) = rest.split_at(start);
        let (number, after) = from.split_at(number_length(from));
        masked.push_str(before);
        masked.push_str(if is_card(number) { "[card]" } else { number });
        rest = after;
    }
    masked.push_str(rest);
    masked
}

/// Of the digits at the beginning, also those in groups.
fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let is_digit = |index: usize| bytes.get(index).is_some_and(u8::is_ascii_digit);
    let mut length = 1;
    while is_digit(length) || (matches!(bytes.get(length), Some(b' ' | b'-')) && is_digit(length + 1)) {
        length += 1;
    }
    length
}

/// By its length and its last digit. <https://en.wikipedia.org/wiki/Luhn_algorithm>
fn is_card(number: &str) -> bool {
    let digits: Vec<u32> = number.chars().rev().filter_map(|letter| letter.to_digit(10)).collect();
    let value = |(index, digit): (usize, &u32)| match index % 2 {
        0 => *digit,
        _ => digit * 2 / 10 + digit * 2 % 10,
    };
    CARD_DIGITS.contains(&digits.len()) && digits.iter().enumerate().map(value).sum::<u32>() % 10 == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_cards_and_keys_are_masked() {
        for (text, expected) in [
            ("Write to ada@example.com.", "Write to [address]"),
            (r#"{"content":"me: ada+x@mail.example.org\nBye"}"#, r#"{"content":"me: [address]\nBye"}"#),
            ("pay with 4242 4242 4242 4242, please", "pay with [card], please"),
            ("4242424242424242", "[card]"),
            ("5555-5555-5555-4444!", "[card]!"),
            ("key=sk-proj-abcdef123456 and AKIAIOSFODNN7EXAMPLE", "key=[secret] and [secret]"),
            ("Bearer eyJhbGciOiJIUzI1NiJ9.e30.abc", "Bearer [secret]"),
            ("0123456789abcdef0123456789abcdef is a key", "[secret] is a key"),
        ] {
            assert_eq!(mask(text), expected);
        }
    }

    #[test]
    fn what_is_escaped_in_json_is_masked_too() {
        let text = "look:\nsk-proj-abcdef123456\tada@example.com \"4242424242424242\"";
        let masked = mask_json(&serde_json::json!([{ "content": text }]).to_string());
        assert_eq!(masked, r#"[{"content":"look:\n[secret]\t[address] \"[card]\""}]"#);
    }

    #[test]
    fn what_is_none_of_these_stays() {
        for text in [
            "In 2026, 1234 of 5678 people",
            "4242 4242 4242 4241 is no card",
            "@ada and user@localhost, 10%",
            "sk- is a prefix; café, 日本語 ✓",
            "order 019319d2-7c1a-7d3e-8f00-aabbccddeeff",
            "",
        ] {
            assert_eq!(mask(text), text);
        }
    }
}
