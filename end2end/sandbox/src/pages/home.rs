//! The front page: what the sandbox stands in for, and how to reach it.

use std::net::SocketAddr;

use crate::pages::{Escaped, layout};
use crate::people::{Email, Person, demo_people};
use crate::sign_in::client::{CLIENT_ID, CLIENT_SECRET};

/// Renders the front page for a sandbox reached at `base`, which takes mail at `smtp`.
pub(crate) fn render(base: &str, smtp: Option<SocketAddr>) -> String {
    let smtp = smtp.map_or_else(|| "no port".to_owned(), |address| format!("smtp://{address}"));
    let people: String = demo_people().iter().map(person_item).collect();
    let base = Escaped(base);
    let body = format!(
        r#"<header>
<p class="eyebrow">Plumbline sandbox</p>
<h1>Everything outside, on one machine</h1>
<p>This process stands in for the services Plumbline talks to, so that it runs, and is tested, without accounts, keys
or the internet. Point the product's ordinary settings here.</p>
</header>
<section class="card">
<h2>Stand-ins</h2>
<dl>
<dt><a href="/oidc/.well-known/openid-configuration">OpenID Connect provider</a></dt>
<dd><code>{base}/oidc</code> <span>client <code>{CLIENT_ID}</code>, secret <code>{CLIENT_SECRET}</code></span></dd>
<dt>GitHub sign-in</dt>
<dd><code>{base}/github</code> <span>same client, API under <code>/github/api</code></span></dd>
<dt>OpenAI-compatible model</dt>
<dd><code>{base}/openai/v1</code> <span>key <code>{key}</code> or <code>{key}-NAME</code>, models <code>{models}</code></span></dd>
<dt>Anthropic model</dt>
<dd><code>{base}/anthropic</code> <span>same keys, model <code>{claude}</code>, API under <code>/v1</code></span></dd>
<dt>Sentry</dt>
<dd><code>http://KEY@HOST:PORT/sentry/1</code> <span>any key; what was reported is under
<code>/control/sentry/events?key=KEY</code></span></dd>
<dt>Collector of traces</dt>
<dd><code>{base}/otlp</code> <span>any key; the spans are under
<code>/control/otlp/spans?key=AUTHORIZATION</code></span></dd>
<dt>Langfuse</dt>
<dd><code>{base}/langfuse</code> <span>any public key, secret key <code>sandbox-secret</code>; scores are under
<code>/control/langfuse/scores?key=KEY</code></span></dd>
<dt>Stripe</dt>
<dd><code>{base}/stripe</code> <span>any key <code>sk_test_…</code>, each an account of its own</span></dd>
<dt><a href="/control/stripe">Stripe's control page</a></dt>
<dd><span>move its clock, let a payment fail, see its webhooks</span></dd>
<dt><a href="/mail">Mail</a></dt>
<dd><code>{smtp}</code> <span>takes every mail, and shows it here</span></dd>
<dt><a href="/control">Control page</a></dt>
<dd><span>break the models while they run, and see what they were asked</span></dd>
<dt><a href="/control/model/journal">Model journal</a></dt>
<dd><code>{base}/control</code> <span>what tests steer and read</span></dd>
</dl>
</section>
<section class="card">
<h2>Demo people</h2>
<ul class="plain">
{people}</ul>
</section>
<p class="note">Listens on this machine only. Nothing is kept: a restart forgets codes, tokens, scripts and the
journal.</p>"#,
        key = crate::model::upstream::API_KEY,
        claude = crate::model::anthropic::MODEL,
        models = crate::model::openai::MODELS.join("</code>, <code>"),
    );
    layout("Plumbline sandbox", &body)
}

fn person_item(person: &Person) -> String {
    let email = match &person.email {
        Email::Verified(address) => address.clone(),
        Email::Unverified(address) => format!("{address}, not verified"),
        Email::Missing => "no e-mail address".to_owned(),
    };
    format!(
        "<li><strong>{}</strong> <code>{}</code><br><span class=\"address\">{}</span></li>\n",
        Escaped(&person.name),
        Escaped(&person.login),
        Escaped(&email)
    )
}
