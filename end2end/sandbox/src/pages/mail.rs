//! The mails that arrived.

use crate::mail::Letter;
use crate::pages::{Escaped, layout};

/// All of them, newest first.
pub(crate) fn list(letters: &[Letter]) -> String {
    let rows: String = letters.iter().rev().map(row).collect();
    let rows = match rows.is_empty() {
        true => "<p class=\"note\">No mail yet.</p>".to_owned(),
        false => format!("<ul class=\"plain\">\n{rows}</ul>"),
    };
    let body = format!(
        r#"<header>
<p class="eyebrow"><a href="/">Plumbline sandbox</a></p>
<h1>Mail</h1>
<p>Everything that was sent, to whomever. Nothing is delivered. <a href="/mail">Refresh</a></p>
</header>
<section class="card">
{rows}
</section>"#
    );
    layout("Mail", &body)
}

fn row(letter: &Letter) -> String {
    format!(
        r#"<li><a href="/mail/{}">{}</a><br><span class="address">{}, {}</span></li>
"#,
        letter.id,
        Escaped(&letter.subject),
        Escaped(&letter.to.join(", ")),
        letter.at.format("%H:%M:%S UTC"),
    )
}

/// One, in each of its forms.
pub(crate) fn letter(letter: &Letter) -> String {
    let body = format!(
        r#"<header>
<p class="eyebrow"><a href="/mail">Mail</a></p>
<h1>{subject}</h1>
<p>From {from} to {to}, {at}</p>
</header>
<section class="card">
<h2>As HTML</h2>
<iframe src="/mail/{id}/html" title="The mail"></iframe>
</section>
<section class="card">
<h2>As text</h2>
<pre>{text}</pre>
</section>
<section class="card">
<details><summary>As it came</summary><pre>{raw}</pre></details>
</section>"#,
        id = letter.id,
        subject = Escaped(&letter.subject),
        from = Escaped(&letter.from),
        to = Escaped(&letter.to.join(", ")),
        at = letter.at.format("%H:%M:%S UTC"),
        text = Escaped(&letter.text),
        raw = Escaped(&letter.raw),
    );
    layout(&letter.subject, &body)
}
