//! Upstreams: one sandbox plays several model providers, told apart by the key that the product uses.

/// The key of the upstream without a name. `sandbox-key-<name>` is the key of any other.
pub(crate) const API_KEY: &str = "sandbox-key";

/// The name of the upstream that a key belongs to, empty for the plain key; `None` when the key is wrong.
pub(crate) fn of_key(key: &str) -> Option<&str> {
    match key.strip_prefix(API_KEY)? {
        "" => Some(""),
        suffix => suffix.strip_prefix('-').filter(|name| !name.is_empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_name_upstreams() {
        let names =
            ["sandbox-key", "sandbox-key-b", "sandbox-key-eu-west", "sandbox-key-", "sandbox-keys", "guess"];
        assert_eq!(names.map(of_key), [Some(""), Some("b"), Some("eu-west"), None, None, None]);
    }
}
