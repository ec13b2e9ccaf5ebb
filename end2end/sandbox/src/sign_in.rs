//! What both identity providers share: who was picked, the client, redirects, PKCE, codes and tokens.

pub(crate) mod client;
pub(crate) mod grants;
pub(crate) mod pkce;
pub(crate) mod redirect;

use serde::Deserialize;

use crate::people::{Email, Person, default_address, find_demo_person};

/// What the person at the picker decided.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    SignIn(Person),
    Refuse,
}

impl Choice {
    /// Reads a `login_hint`; one that names nobody is only a hint, and the picker is shown.
    pub(crate) fn from_login_hint(hint: &str) -> Option<Self> {
        if hint == "refuse" {
            return Some(Self::Refuse);
        }
        let Some((kind, rest)) = hint.split_once(':') else {
            return find_demo_person(hint).map(Self::SignIn);
        };
        let (name, address) = match rest.split_once(':') {
            Some((name, address)) if kind == "new-unverified" => (name, address.to_owned()),
            _ => (rest, default_address(rest)),
        };
        let email = match kind {
            "new" => Email::Verified(address),
            "new-unverified" => Email::Unverified(address),
            "new-without-email" => Email::Missing,
            _ => return None,
        };
        (!name.trim().is_empty()).then(|| Self::SignIn(Person::made_up(name, email)))
    }
}

/// The picker's form: a button's value in `person`, and the fields of "someone else".
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Decision {
    person: String,
    name: String,
    email: String,
    email_state: EmailState,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum EmailState {
    #[default]
    Verified,
    Unverified,
    Missing,
}

impl Decision {
    /// The choice made, or `None` when the form names nobody.
    pub(crate) fn choice(&self) -> Option<Choice> {
        if self.person != "someone-else" {
            return Choice::from_login_hint(&self.person);
        }
        let name = self.name.trim();
        let address = match self.email.trim() {
            "" => default_address(name),
            address => address.to_owned(),
        };
        let email = match self.email_state {
            EmailState::Verified => Email::Verified(address),
            EmailState::Unverified => Email::Unverified(address),
            EmailState::Missing => Email::Missing,
        };
        (!name.is_empty()).then(|| Choice::SignIn(Person::made_up(name, email)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hinted(hint: &str) -> Option<(String, Email)> {
        match Choice::from_login_hint(hint)? {
            Choice::SignIn(person) => Some((person.name, person.email)),
            Choice::Refuse => None,
        }
    }

    #[test]
    fn hints_pick_people() {
        let named = |name: &str, email| Some((name.to_owned(), email));
        assert_eq!(hinted("ada"), named("Ada Lovelace", Email::Verified("ada@example.test".into())));
        assert_eq!(hinted("new:t-1"), named("t-1", Email::Verified("t-1@example.test".into())));
        assert_eq!(hinted("new-unverified:t-1"), named("t-1", Email::Unverified("t-1@example.test".into())));
        assert_eq!(
            hinted("new-unverified:eve:ada@example.test"),
            named("eve", Email::Unverified("ada@example.test".into()))
        );
        assert_eq!(hinted("new-without-email:t-1"), named("t-1", Email::Missing));
        assert_eq!(Choice::from_login_hint("refuse"), Some(Choice::Refuse));
    }

    #[test]
    fn other_hints_show_the_picker() {
        for hint in ["", "someone@example.com", "new:", "old:ada", "Ada"] {
            assert_eq!(Choice::from_login_hint(hint), None, "{hint}");
        }
    }
}
