use std::net::IpAddr;

use lettre::message::Mailbox;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{ConfigError, Env};

/// How mail is sent. Without a server none is, and the app tells what a mail would have told.
#[derive(Clone, Debug)]
pub struct MailConfig {
    pub smtp: Option<SmtpConfig>,
}

/// The server that takes our mail.
#[derive(Clone, Debug)]
pub struct SmtpConfig {
    /// Read from `SMTP_URL`: `smtps://user:password@host`, `smtp://user:password@host?tls=required`, or without TLS
    /// `smtp://host` for one that is near.
    pub url: SecretString,
    /// Whom mails are from. Read from `MAIL_FROM`: `Plumbline <hello@example.com>`.
    pub from: Mailbox,
}

impl MailConfig {
    pub(super) fn from_env(env: &Env) -> Result<Self, ConfigError> {
        const VARIABLE: &str = "SMTP_URL";
        let Some(secret) = env.secret(VARIABLE) else { return Ok(Self { smtp: None }) };
        let problem = |problem: String| ConfigError { variable: VARIABLE, problem };
        let url: Url =
            secret.expose_secret().parse().map_err(|error| problem(format!("is not a URL: {error}")))?;
        check(&url).map_err(|sentence| problem(sentence.to_owned()))?;
        let from = env.required("MAIL_FROM")?;
        let from = from.parse().map_err(|_| ConfigError {
            variable: "MAIL_FROM",
            problem: "must be an address, such as `Plumbline <hello@example.com>`".to_owned(),
        })?;
        Ok(Self { smtp: Some(SmtpConfig { url: secret, from }) })
    }
}

fn check(url: &Url) -> Result<(), &'static str> {
    let tls = url.query_pairs().find(|(name, _)| name == "tls").map(|(_, value)| value.into_owned());
    let is_encrypted = match (url.scheme(), tls.as_deref()) {
        ("smtps", None) | ("smtp", Some("required")) => true,
        ("smtp", None | Some("opportunistic")) => false,
        ("smtp" | "smtps", _) => return Err("has an unknown `tls`: use `?tls=required` with smtp, or smtps"),
        _ => return Err("must begin with smtp:// or smtps://"),
    };
    let Some(host) = url.host_str().filter(|host| !host.is_empty()) else { return Err("names no host") };
    let is_near = host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
    match url.password() {
        Some(_) if !is_encrypted && !is_near => {
            Err("would send its password in the clear: use smtps:// or add ?tls=required")
        }
        None if !url.username().is_empty() => Err("names a user and no password"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(url: &str, from: &str) -> Result<MailConfig, String> {
        let variables = [("SMTP_URL", url), ("MAIL_FROM", from)];
        let env: Env =
            variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        MailConfig::from_env(&env).map_err(|error| error.to_string())
    }

    const FROM: &str = "Plumbline <hello@example.com>";

    #[test]
    fn without_a_server_no_mail_is_sent() {
        assert!(config("", "").expect("settings").smtp.is_none());
    }

    #[test]
    fn servers_that_are_safe_to_talk_to_are_taken() {
        for url in [
            "smtps://user:p%40ss@mail.example.com",
            "smtp://user:pass@mail.example.com:587?tls=required",
            "smtp://relay.example.com:25",
            "smtp://user:pass@127.0.0.1:2525",
        ] {
            assert!(config(url, FROM).is_ok_and(|config| config.smtp.is_some()), "{url}");
        }
    }

    #[test]
    fn a_mistake_is_named_with_its_variable() {
        for (url, from, problem) in [
            ("mail.example.com", FROM, "SMTP_URL is not a URL"),
            ("http://mail.example.com", FROM, "SMTP_URL must begin with smtp://"),
            ("smtp://user:pass@mail.example.com", FROM, "SMTP_URL would send its password in the clear"),
            ("smtp://user:pass@mail.example.com?tls=opportunistic", FROM, "SMTP_URL would send its password"),
            ("smtp://mail.example.com?tls=yes", FROM, "SMTP_URL has an unknown `tls`"),
            ("smtps://user@mail.example.com", FROM, "SMTP_URL names a user and no password"),
            ("smtps://mail.example.com", "", "MAIL_FROM must be set"),
            ("smtps://mail.example.com", "Plumbline", "MAIL_FROM must be an address"),
        ] {
            let error = config(url, from).expect_err(url);
            assert!(error.starts_with(problem), "{error}");
        }
    }
}
