//! The people who can sign in: four demo people, and anybody a test makes up.

use sha2::{Digest, Sha256};

/// Somebody with an account at both sandbox identity providers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    /// `sub` at the OpenID provider.
    pub(crate) subject: String,
    /// Numeric id at GitHub.
    pub(crate) github_id: u32,
    /// Login at GitHub; for demo people also the key that picks them.
    pub(crate) login: String,
    pub(crate) name: String,
    pub(crate) email: Email,
}

/// What a provider knows of somebody's e-mail address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Email {
    Verified(String),
    Unverified(String),
    Missing,
}

impl Email {
    /// The address, verified or not.
    pub(crate) fn address(&self) -> Option<&str> {
        match self {
            Email::Verified(address) | Email::Unverified(address) => Some(address),
            Email::Missing => None,
        }
    }

    /// Whether the provider vouches for the address; `None` without one.
    pub(crate) fn is_verified(&self) -> Option<bool> {
        match self {
            Email::Verified(_) => Some(true),
            Email::Unverified(_) => Some(false),
            Email::Missing => None,
        }
    }
}

impl Person {
    /// Somebody made up. The same name and address is the same person again, also once the address is verified.
    pub(crate) fn made_up(name: &str, email: Email) -> Self {
        let digest = Sha256::digest(format!("{name}\n{}", email.address().unwrap_or_default()));
        let hex: String = digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
        let id = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
        Self {
            subject: format!("person-{hex}"),
            // The low ids belong to the demo people.
            github_id: id | 0x1000_0000,
            login: format!("{}-{}", slug(name), &hex[..4]),
            name: name.to_owned(),
            email,
        }
    }

    fn demo(github_id: u32, login: &str, name: &str, email: Email) -> Self {
        let (login, name) = (login.to_owned(), name.to_owned());
        Self { subject: format!("person-{login}"), github_id, login, name, email }
    }
}

/// The demo people, in the order they are shown.
pub(crate) fn demo_people() -> [Person; 4] {
    [
        Person::demo(1815, "ada", "Ada Lovelace", Email::Verified("ada@example.test".into())),
        Person::demo(1906, "grace", "Grace Hopper", Email::Verified("grace@example.test".into())),
        Person::demo(1969, "linus", "Linus", Email::Unverified("linus@example.test".into())),
        Person::demo(1999, "noor", "Noor", Email::Missing),
    ]
}

/// Finds a demo person by key.
pub(crate) fn find_demo_person(key: &str) -> Option<Person> {
    demo_people().into_iter().find(|person| person.login == key)
}

/// The address a made-up person gets when none is given.
pub(crate) fn default_address(name: &str) -> String {
    format!("{}@example.test", slug(name))
}

/// Keeps what is legal both in an e-mail's local part and in a URL; case too, so that tests find what they wrote.
fn slug(name: &str) -> String {
    let is_kept = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+');
    name.trim().chars().map(|c| if is_kept(c) { c } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_up_people_keep_their_subject() {
        let first = Person::made_up("Eve", Email::Unverified("eve@example.test".into()));
        let again = Person::made_up("Eve", Email::Verified("eve@example.test".into()));
        let other = Person::made_up("Eve", Email::Verified("eve@example.org".into()));
        assert_eq!((&first.subject, first.github_id), (&again.subject, again.github_id));
        assert_ne!(first.subject, other.subject);
    }

    #[test]
    fn default_addresses_are_addresses() {
        assert_eq!(default_address("fresh-7"), "fresh-7@example.test");
        assert_eq!(default_address("Jo Ö"), "Jo--@example.test");
    }
}
