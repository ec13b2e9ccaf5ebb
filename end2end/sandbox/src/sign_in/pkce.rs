//! Proof Key for Code Exchange (RFC 7636), S256 only.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// A code challenge made with S256.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Challenge([u8; 32]);

impl Challenge {
    /// Reads the challenge of an authorization request; any method but S256 is refused.
    pub(crate) fn parse(challenge: &str, method: Option<&str>) -> Option<Self> {
        let hash = URL_SAFE_NO_PAD.decode(challenge).ok()?;
        (method == Some("S256")).then_some(Self(hash.try_into().ok()?))
    }

    /// Whether `verifier` is well-formed and the one the challenge was made from.
    pub(crate) fn is_met_by(&self, verifier: &str) -> bool {
        let is_unreserved = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
        (43..=128).contains(&verifier.len())
            && verifier.chars().all(is_unreserved)
            && Sha256::digest(verifier).as_slice() == self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The pair of RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn the_pair_of_the_rfc_matches() {
        let challenge = Challenge::parse(CHALLENGE, Some("S256")).unwrap();
        assert!(challenge.is_met_by(VERIFIER));
        assert!(!challenge.is_met_by(&VERIFIER.replace('d', "e")));
        assert!(!challenge.is_met_by(CHALLENGE));
        assert!(!challenge.is_met_by("short"));
    }

    #[test]
    fn only_s256_is_accepted() {
        assert_eq!(Challenge::parse(CHALLENGE, None), None);
        assert_eq!(Challenge::parse(CHALLENGE, Some("plain")), None);
        assert_eq!(Challenge::parse("not a hash", Some("S256")), None);
    }
}
