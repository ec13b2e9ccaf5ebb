//! A notice as a mail: plain text, and the same as HTML. All of it is made here, but for the words themselves.

use std::fmt::{self, Display, Formatter, Write};

use app::links::{ACCOUNT_PATH, mail_preferences_path, unsubscribe_path};
use url::Url;
use uuid::Uuid;

use super::wording::{Words, words};
use crate::providers::mail::Letter;
use crate::secret::Token;
use crate::services::plans::Plans;
use crate::store::notices::Facts;

/// The one thing a mail asks for, or offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Action {
    label: &'static str,
    url: String,
}

impl Action {
    pub(super) fn new(label: &'static str, url: String) -> Self {
        Self { label, url }
    }
}

/// Where a mail leads to.
pub(super) struct Links<'a> {
    pub(super) public_url: &'a Url,
    pub(super) action: Action,
    /// Lets its reader turn such mails off. None: they are always sent.
    pub(super) token: Option<&'a Token>,
}

impl Links<'_> {
    fn on_our_site(&self, path: &str) -> String {
        on_our_site(self.public_url, path)
    }

    /// Why one gets this mail, and the page where that is changed.
    fn reason(&self) -> (&'static str, &'static str, String) {
        match self.token {
            Some(token) => (
                "You get this mail because you have an account here.",
                "Choose which mails you get",
                self.on_our_site(&mail_preferences_path(token.as_str())),
            ),
            None => (
                "You get this mail because it is about your account here.",
                "Your account",
                self.on_our_site(ACCOUNT_PATH),
            ),
        }
    }
}

/// The whole address of a page of ours.
pub(super) fn on_our_site(public_url: &Url, path: &str) -> String {
    public_url.join(path).map_or_else(|_| path.to_owned(), Into::into)
}

pub(super) fn write(id: Uuid, to: String, facts: &Facts, plans: &Plans, links: &Links<'_>) -> Letter {
    let words = words(facts, plans);
    let unsubscribe =
        links.token.map(|token| links.on_our_site(&unsubscribe_path(token.as_str(), facts.kind())));
    Letter {
        id,
        to,
        text: text(&words, links),
        html: html(&words, links),
        subject: words.subject,
        unsubscribe,
    }
}

fn text(Words { subject, sentences }: &Words, links: &Links<'_>) -> String {
    let Action { label, url } = &links.action;
    let (reason, where_to, page) = links.reason();
    let sentences = sentences.join("\n\n");
    format!("{subject}\n\n{sentences}\n\n{label}:\n{url}\n\n-- \nPlumbline. {reason}\n{where_to}:\n{page}\n")
}

/// Mail programs know no style sheets and little of CSS, so it is plain, and looks like a letter everywhere.
fn html(Words { subject, sentences }: &Words, links: &Links<'_>) -> String {
    let Action { label, url } = &links.action;
    let (reason, where_to, page) = links.reason();
    let paragraphs: String =
        sentences.iter().map(|sentence| format!("<p>{}</p>\n", Escaped(sentence))).collect();
    format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{subject}</title>
</head>
<body style="margin: 0; padding: 24px; font: 16px/1.5 system-ui, 'Segoe UI', Roboto, sans-serif;">
<div style="max-width: 34em; margin: 0 auto;">
<h1 style="font-size: 20px;">{subject}</h1>
{paragraphs}<p><a href="{url}" style="font-weight: bold;">{label}</a></p>
<hr style="border: 0; border-top: 1px solid #999999;">
<p style="font-size: 14px;">Plumbline. {reason}<br><a href="{page}">{where_to}</a></p>
</div>
</body>
</html>
"#,
        subject = Escaped(subject),
        url = Escaped(url),
        label = Escaped(label),
        page = Escaped(&page),
    )
}

/// Text made safe for HTML content and quoted attributes.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::PlansConfig;

    fn letter(facts: &Facts, token: Option<&Token>) -> Letter {
        let plans = PlansConfig::parse(include_str!("../../../plans.toml")).expect("plans");
        let public_url = "https://plumbline.example/".parse().expect("a URL");
        let action = Action::new("Pay now", "https://pay.example/in_1?a=1&b=\"2\"".to_owned());
        let links = Links { public_url: &public_url, action, token };
        write(Uuid::from_u128(7), "ada@example.org".to_owned(), facts, &Plans::new(&plans), &links)
    }

    fn failed() -> Facts {
        Facts::PaymentFailed {
            invoice_id: "in_1".to_owned(),
            // A plan that is not offered any more is called by its key.
            plan: Some("<b>old & gone</b>".to_owned()),
            amount_cents: 2000,
            next_attempt_at: "2026-05-03T10:30:00Z".parse().ok(),
            grace_ends_at: "2026-05-08T00:00:00Z".parse().ok(),
        }
    }

    #[test]
    fn the_text_says_everything_and_leads_on() {
        let letter = letter(&failed(), None);
        assert_eq!(letter.subject, "Your payment of $20.00 failed");
        let text = "Your payment of $20.00 failed\n\n\
            Your payment of $20.00 for <b>old & gone</b> did not go through.\n\n\
            Your card is tried again on 3 May 2026, 10:30 UTC.\n\n\
            Until 8 May 2026, 00:00 UTC you have a smaller budget; then replies pause until it is paid.\n\n\
            Paying now, or with another card, restores everything at once.\n\n\
            Pay now:\nhttps://pay.example/in_1?a=1&b=\"2\"\n\n-- \n\
            Plumbline. You get this mail because it is about your account here.\n\
            Your account:\nhttps://plumbline.example/account\n";
        assert_eq!(letter.text, text);
        assert_eq!(letter.unsubscribe, None);
    }

    #[test]
    fn the_html_says_the_same_and_nothing_in_it_is_markup_of_others() {
        let letter = letter(&failed(), None);
        assert!(letter.html.contains("for &lt;b&gt;old &amp; gone&lt;/b&gt; did not go through."));
        assert!(letter.html.contains("href=\"https://pay.example/in_1?a=1&amp;b=&quot;2&quot;\""));
        assert!(!letter.html.contains("<b>"));
        assert_eq!(letter.html.matches("<p>").count(), 5, "four sentences and the link");
    }

    #[test]
    fn a_mail_that_can_be_turned_off_says_where() {
        let (basis, month) = (app::types::AlertBasis::Cap, "2026-05-01T00:00:00Z".parse().expect("a time"));
        let limit = app::types::Nanos::from_cents(500);
        let facts = Facts::BudgetAlert { basis, percent: 80, limit, month };
        let token = Token::random();
        let letter = letter(&facts, Some(&token));
        let (site, token) = ("https://plumbline.example/mail", token.as_str());
        assert_eq!(letter.unsubscribe, Some(format!("{site}/unsubscribe?token={token}&kind=budget_alert")));
        assert!(letter.text.contains(&format!("{site}/preferences?token={token}")));
        assert!(letter.html.contains(&format!("href=\"{site}/preferences?token={token}\"")));
    }
}
