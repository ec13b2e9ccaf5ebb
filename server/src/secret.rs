//! Random tokens that prove something, and the hashes of them that are kept.

use app::types::ApiKey;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// 256 random bits, for a cookie.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token(String);

impl Token {
    pub(crate) fn random() -> Self {
        Self(URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A key of the API: [`ApiKey::PREFIX`], 256 random bits, and a checksum by which a typo is known for one.
pub(crate) struct KeyToken(String);

impl KeyToken {
    const RANDOM_CHARS: usize = 43;
    const CHECKSUM_CHARS: usize = 6;
    const HINT_CHARS: usize = 4;

    pub(crate) fn random() -> Self {
        let begin = format!("{}{}", ApiKey::PREFIX, Token::random().as_str());
        Self(format!("{begin}{}", Self::checksum(&begin)))
    }

    /// Whether a text is a key without a typo. That there is such a key, only the database knows.
    pub(crate) fn is_whole(text: &str) -> bool {
        let begin_chars = ApiKey::PREFIX.len() + Self::RANDOM_CHARS;
        text.len() == begin_chars + Self::CHECKSUM_CHARS
            && text.starts_with(ApiKey::PREFIX)
            && text
                .split_at_checked(begin_chars)
                .is_some_and(|(begin, checksum)| checksum == Self::checksum(begin))
    }

    /// No secret: anybody can compute it. The first characters of a hash of what is before it.
    fn checksum(begin: &str) -> String {
        let mut checksum = URL_SAFE_NO_PAD.encode(hash(begin));
        checksum.truncate(Self::CHECKSUM_CHARS);
        checksum
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The last characters, which may be shown.
    pub(crate) fn hint(&self) -> &str {
        &self.0[self.0.len() - Self::HINT_CHARS..]
    }
}

/// SHA-256. A plain hash is enough for 256 random bits: there is nothing to guess.
pub(crate) fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

#[cfg(test)]
mod tests {
    use super::{KeyToken, hash};

    #[test]
    fn a_key_has_a_prefix_random_bits_and_a_checksum() {
        let (one, another) = (KeyToken::random(), KeyToken::random());
        assert!(one.as_str() != another.as_str());
        assert_eq!((one.as_str().len(), one.hint().len()), (53, 4));
        assert!(one.as_str().starts_with("plb_") && one.as_str().ends_with(one.hint()));
        assert!(KeyToken::is_whole(one.as_str()));
    }

    #[test]
    fn a_key_with_a_typo_is_none() {
        let key = KeyToken::random();
        let key = key.as_str();
        for place in 0..key.len() {
            let typo = if key.as_bytes()[place] == b'x' { "y" } else { "x" };
            let wrong = format!("{}{typo}{}", &key[..place], &key[place + 1..]);
            assert!(!KeyToken::is_whole(&wrong), "{wrong}");
        }
        let (cut, longer) = (&key[..key.len() - 1], format!("{key}x"));
        let other_prefix = key.replacen("plb_", "sk-_", 1);
        let blank = format!(" {key}");
        for wrong in ["", "plb_", cut, &longer, &other_prefix, &blank, &"ü".repeat(26), &"€".repeat(18)] {
            assert!(!KeyToken::is_whole(wrong), "{wrong}");
        }
    }

    /// Keys that people have go on working: neither the checksum nor the hash may ever change.
    #[test]
    fn keys_of_today_are_keys_for_ever() {
        let random = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let key = format!("plb_{random}Z7mpfo");
        assert!(KeyToken::is_whole(&key), "{key}");
        assert_eq!(hash(&key)[..4], [193, 32, 147, 98]);
    }
}
