//! The token rule: one token is four characters (Unicode scalar values), rounded up, counted per text.
//!
//! Simple on purpose, so that tests can predict usage to the token. A prompt is the sum of its messages; roles and
//! anything that is not text count nothing.

const CHARACTERS_PER_TOKEN: usize = 4;

/// Counts the tokens of a text.
pub(crate) fn count(text: &str) -> u64 {
    count_characters(text.chars().count() as u64)
}

/// Counts the tokens of a text of so many characters.
pub(crate) fn count_characters(characters: u64) -> u64 {
    characters.div_ceil(CHARACTERS_PER_TOKEN as u64)
}

/// The longest beginning of `text` that is no more than `limit` tokens.
pub(crate) fn truncate(text: &str, limit: u64) -> &str {
    let characters = usize::try_from(limit).unwrap_or(usize::MAX).saturating_mul(CHARACTERS_PER_TOKEN);
    let end = text.char_indices().nth(characters).map_or(text.len(), |(index, _)| index);
    &text[..end]
}

/// Readable filler of exactly `length` tokens, one word each.
pub(crate) fn filler(length: usize) -> String {
    const WORDS: [&str; 12] =
        ["the ", "sea ", "and ", "the ", "sky ", "are ", "one ", "big ", "and ", "old ", "map ", "now "];
    let mut text: String = WORDS.iter().copied().cycle().take(length).collect();
    if text.pop().is_some() {
        text.push('.');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_characters_are_a_token() {
        let counted = ["", "a", "abcd", "abcde", "日本語です", "👋👋👋👋"].map(count);
        assert_eq!(counted, [0, 1, 1, 2, 2, 1]);
    }

    #[test]
    fn truncation_keeps_characters_whole() {
        assert_eq!(truncate("日本語です。", 1), "日本語で");
        assert_eq!(truncate("short", 2), "short");
        assert_eq!(truncate("short", 0), "");
        assert_eq!(truncate("short", u64::MAX), "short");
    }

    #[test]
    fn filler_is_exactly_as_long_as_asked() {
        for length in [0, 1, 2, 1000] {
            assert_eq!(count(&filler(length)), length as u64);
        }
        assert_eq!(filler(3), "the sea and.");
    }
}
