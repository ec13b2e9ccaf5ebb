//! What the hosted pages of the sandbox's Stripe look like.

use crate::pages::{Escaped, layout};

/// The card that a page offers first.
const USUAL_CARD: &str = "4242 4242 4242 4242";

const CARDS: &[(&str, &str)] = &[
    (USUAL_CARD, "works"),
    ("4000 0000 0000 0002", "is declined"),
    ("4000 0000 0000 9995", "has no funds"),
    ("4000 0025 0000 3155", "needs 3-D Secure, now and never again"),
    ("4000 0027 6000 3184", "needs 3-D Secure every time"),
    ("4000 0000 0000 0341", "works now; renewals are declined"),
];

/// A page with a title, what stands above it, and its sections.
pub(crate) fn page(title: &str, sections: &str) -> String {
    let body = format!(
        "<header>\n<p class=\"eyebrow\">Stripe · stand-in for tests</p>\n<h1>{}</h1>\n</header>\n{sections}",
        Escaped(title)
    );
    layout(title, &body)
}

/// A message that something did not go through.
pub(crate) fn alert(message: Option<&str>) -> String {
    message.map_or_else(String::new, |message| {
        format!("<p role=\"alert\" class=\"card alert\">{}</p>\n", Escaped(message))
    })
}

/// The fields for a card, and the numbers to choose from.
pub(crate) fn card_fields() -> String {
    let options: String = CARDS
        .iter()
        .map(|(number, effect)| format!("<option value=\"{number}\">{effect}</option>\n"))
        .collect();
    format!(
        r#"<label>Card number
<input name="card" required inputmode="numeric" autocomplete="off" value="{USUAL_CARD}" list="test-cards">
</label>
<datalist id="test-cards">
{options}</datalist>
"#
    )
}

/// The test cards in words.
pub(crate) fn card_notes() -> String {
    let rows: String =
        CARDS.iter().map(|(number, effect)| format!("<li><code>{number}</code> {effect}</li>\n")).collect();
    format!("<section class=\"card\">\n<h2>Test cards</h2>\n<ul class=\"plain\">\n{rows}</ul>\n</section>")
}

/// The bank's page for 3-D Secure. `hidden` is what the form sends again.
pub(crate) fn challenge(title: &str, amount: &str, hidden: &[(&str, &str)]) -> String {
    let fields: String = hidden
        .iter()
        .map(|(name, value)| {
            format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">\n", Escaped(value))
        })
        .collect();
    let sections = format!(
        r#"<section class="card">
<h2>3-D Secure</h2>
<p>The bank wants to know whether it is you{amount}.</p>
<form method="post" class="below">
{fields}<button class="primary" name="challenge" value="complete">Complete authentication</button>
<button name="challenge" value="fail">Fail authentication</button>
</form>
</section>"#,
        amount = Escaped(amount),
    );
    page(title, &sections)
}

/// A list of names and amounts.
pub(crate) fn lines(rows: &[(String, String)]) -> String {
    let rows: String = rows
        .iter()
        .map(|(name, amount)| {
            format!(
                "<li class=\"row\"><span class=\"who\">{}</span> <strong>{}</strong></li>\n",
                Escaped(name),
                Escaped(amount)
            )
        })
        .collect();
    format!("<ul class=\"plain\">\n{rows}</ul>\n")
}

/// `$12.34`, with a sign in front when it is negative.
pub(crate) fn dollars(cents: i64) -> String {
    let sign = if cents < 0 { "−" } else { "" };
    format!("{sign}${}.{:02}", cents.abs() / 100, cents.abs() % 100)
}
