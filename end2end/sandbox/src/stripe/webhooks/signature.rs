//! `Stripe-Signature`.

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// The header for a payload that is sent at `timestamp` (Unix seconds of the real clock, which receivers compare).
pub(super) fn header(payload: &str, secret: &str, timestamp: i64) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(format!("{timestamp}.{payload}").as_bytes());
    let digest: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={timestamp},v1={digest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_signed_with_its_time() {
        // Computed with `printf '1.{}' | openssl dgst -sha256 -hmac secret`.
        let digest = "1122767b193110cfec322b6f199b599edbf608ed087f2d27afb0b97d99523908";
        assert_eq!(header("{}", "secret", 1), format!("t=1,v1={digest}"));
    }
}
