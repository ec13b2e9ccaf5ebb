//! Mail, by SMTP. What goes up from here holds no address: replies of mail servers often repeat them.

use std::time::Duration;

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::Error;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use secrecy::ExposeSecret;
use uuid::Uuid;

use crate::config::SmtpConfig;

/// For each step of handing over a mail.
const STEP_TIMEOUT: Duration = Duration::from_secs(10);

/// And for all of them together.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Replies that say something about us and nothing about the mail: not signed in, or not allowed to be.
/// <https://www.rfc-editor.org/rfc/rfc4954#section-6>
const ABOUT_US: [u16; 4] = [530, 534, 535, 538];

/// A mail to one person.
#[derive(Clone, Debug)]
pub struct Letter {
    /// The same for every copy, so that whoever gets a second one can tell.
    pub id: Uuid,
    pub to: String,
    pub subject: String,
    pub text: String,
    pub html: String,
    /// An address that stops such mails when it is posted to (RFC 8058). None: they cannot be stopped.
    pub unsubscribe: Option<String>,
}

/// Why a mail was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// It never will be.
    #[error("the mail server refused the mail for good ({0})")]
    Refused(String),
    /// Trying again may help.
    #[error("the mail was not taken ({0})")]
    Unavailable(String),
}

/// Hands mail to a server. Each mail has a connection of its own. Cheap to clone.
#[derive(Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Mailer {
    /// # Errors
    /// When the settings make no sense, or the system's certificates cannot be read.
    pub fn new(config: &SmtpConfig) -> Result<Self, MailError> {
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(config.url.expose_secret());
        let transport = transport.map_err(|error| failure(&error))?.timeout(Some(STEP_TIMEOUT)).build();
        Ok(Self { transport, from: config.from.clone() })
    }

    /// Returns once the server has taken responsibility for the mail.
    ///
    /// # Errors
    /// When it has not; a connection that breaks at the very end leaves open whether it has.
    pub async fn send(&self, letter: &Letter) -> Result<(), MailError> {
        let message = self.message(letter)?;
        match tokio::time::timeout(TIMEOUT, self.transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(failure(&error)),
            Err(_) => Err(MailError::Unavailable("it took too long".to_owned())),
        }
    }

    fn message(&self, letter: &Letter) -> Result<Message, MailError> {
        let malformed = |what: &str| MailError::Refused(format!("{what} is malformed"));
        let to = letter.to.parse().map_err(|_| malformed("the recipient's address"))?;
        let id = format!("<notice-{}@{}>", letter.id, self.from.email.domain());
        let mut message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(letter.subject.clone())
            .message_id(Some(id))
            // Keeps holiday notices away. <https://www.rfc-editor.org/rfc/rfc3834#section-5>
            .raw_header(header("Auto-Submitted", "auto-generated"));
        if let Some(url) = &letter.unsubscribe {
            message = message
                .raw_header(header("List-Unsubscribe", &format!("<{url}>")))
                .raw_header(header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"));
        }
        let body = MultiPart::alternative_plain_html(letter.text.clone(), letter.html.clone());
        message.multipart(body).map_err(|_| malformed("the mail"))
    }
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

fn failure(error: &Error) -> MailError {
    let status = error.status().map(u16::from);
    match status {
        Some(code) if error.is_permanent() && !ABOUT_US.contains(&code) => {
            MailError::Refused(code.to_string())
        }
        Some(code) => MailError::Unavailable(code.to_string()),
        None if error.is_timeout() => MailError::Unavailable("it took too long".to_owned()),
        None if error.is_tls() => MailError::Unavailable("no safe connection".to_owned()),
        None => MailError::Unavailable("no connection".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn formatted(letter: &Letter) -> String {
        let from = "Plumbline <hello@example.com>".parse().expect("an address");
        let transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("localhost").build();
        let message = Mailer { transport, from }.message(letter).expect("a message");
        String::from_utf8(message.formatted()).expect("text")
    }

    fn letter() -> Letter {
        Letter {
            id: Uuid::from_u128(7),
            to: "ada@example.org".to_owned(),
            subject: "Receipt: $20.00 for Pro".to_owned(),
            text: "Thank you.".to_owned(),
            html: "<p>Thank you.</p>".to_owned(),
            unsubscribe: None,
        }
    }

    #[test]
    fn a_mail_has_both_forms_and_an_id_of_its_own() {
        let mail = formatted(&letter());
        for header in [
            "From: Plumbline <hello@example.com>",
            "To: ada@example.org",
            "Subject: Receipt: $20.00 for Pro",
            "Message-ID: <notice-00000000-0000-0000-0000-000000000007@example.com>",
            "Auto-Submitted: auto-generated",
            "Content-Type: multipart/alternative;",
            "Content-Type: text/plain; charset=utf-8",
            "Content-Type: text/html; charset=utf-8",
        ] {
            assert!(mail.contains(header), "{header} in {mail}");
        }
        assert!(!mail.contains("List-Unsubscribe"), "it cannot be stopped");
        assert!(mail.find("Thank you.") < mail.find("<p>Thank you.</p>"), "the best form last");
    }

    /// <https://www.rfc-editor.org/rfc/rfc8058#section-3.1>
    #[test]
    fn a_mail_that_can_be_stopped_says_how() {
        let url = format!("https://example.com/mail/unsubscribe?token={}&kind=budget_alert", "a".repeat(43));
        let mail = formatted(&Letter { unsubscribe: Some(url.clone()), ..letter() });
        let unfolded = mail.replace("\r\n ", " ");
        assert!(unfolded.contains(&format!("List-Unsubscribe: <{url}>\r\n")), "{mail}");
        assert!(mail.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"), "{mail}");
    }

    #[test]
    fn an_address_that_is_none_is_refused_without_naming_it() {
        let from = "hello@example.com".parse().expect("an address");
        let transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("localhost").build();
        let letter = Letter { to: "ada\r\nBcc: bob@example.org".to_owned(), ..letter() };
        let error = Mailer { transport, from }.message(&letter).expect_err("no address");
        assert_eq!(error, MailError::Refused("the recipient's address is malformed".to_owned()));
    }
}
