//! The address a sign-in returns to.

use axum::response::{Redirect, Response};
use url::{Host, Url};

use crate::pages::problem;
use crate::sign_in::client::CLIENT_ID;

/// A redirect URI that the client is registered for.
#[derive(Clone, Debug)]
pub(crate) struct RedirectUri {
    /// As sent: the token request must repeat it to the letter.
    sent: String,
    url: Url,
}

impl RedirectUri {
    /// Checks client and redirect URI. A refusal is shown here, never sent on: redirecting would serve an attacker.
    pub(crate) fn registered(client_id: &str, text: &str) -> Result<Self, Box<Response>> {
        if client_id != CLIENT_ID {
            return Err(Box::new(problem("Unknown client", "The only client_id here is `plumbline`.")));
        }
        let explanation = "Registered are http://localhost:*/auth/* and http://127.0.0.1:*/auth/*.";
        Self::parse(text).ok_or_else(|| Box::new(problem("Unknown redirect URI", explanation)))
    }

    /// Accepts `/auth/…` on any port of this machine, so that every test may run a product of its own.
    fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let is_loopback = match url.host()? {
            Host::Domain(domain) => domain == "localhost",
            Host::Ipv4(address) => address == std::net::Ipv4Addr::LOCALHOST,
            Host::Ipv6(_) => false,
        };
        let is_plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        (url.scheme() == "http" && is_loopback && is_plain && url.path().starts_with("/auth/"))
            .then(|| Self { sent: text.to_owned(), url })
    }

    /// The text the client sent.
    pub(crate) fn as_str(&self) -> &str {
        &self.sent
    }

    /// Sends the browser back with these parameters and the request's state.
    pub(crate) fn send_back(&self, parameters: &[(&str, &str)], state: Option<&str>) -> Redirect {
        let mut url = self.url.clone();
        url.query_pairs_mut().extend_pairs(parameters).extend_pairs(state.map(|state| ("state", state)));
        Redirect::to(url.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auth_paths_of_this_machine_are_registered() {
        for uri in ["http://localhost:3000/auth/sandbox/callback", "http://127.0.0.1/auth/github?x=1"] {
            assert!(RedirectUri::parse(uri).is_some(), "{uri}");
        }
    }

    #[test]
    fn nothing_else_is() {
        for uri in [
            "",
            "/auth/callback",
            "https://localhost/auth/callback",
            "http://localhost.evil.test/auth/callback",
            "http://localhost@evil.test/auth/callback",
            "http://me@localhost/auth/callback",
            "http://localhost/auth/callback#fragment",
            "http://localhost/auth/../elsewhere",
            "http://localhost/elsewhere",
        ] {
            assert!(RedirectUri::parse(uri).is_none(), "{uri}");
        }
    }
}
