//! The page on which somebody decides whom to sign in as.

use axum::response::{Html, IntoResponse, Response};

use crate::pages::{Escaped, layout};
use crate::people::{Email, Person, demo_people};

/// The person picker of one provider.
pub(crate) struct Picker {
    /// The provider's name as people know it.
    pub(crate) provider: &'static str,
    /// Path of the authorization endpoint.
    pub(crate) prefix: &'static str,
    /// The authorization request, handed on untouched in the form's address.
    pub(crate) query: Option<String>,
}

impl IntoResponse for Picker {
    fn into_response(self) -> Response {
        let body = body(self.provider, &self.action());
        Html(layout(&format!("Sign in with {}", self.provider), &body)).into_response()
    }
}

impl Picker {
    fn action(&self) -> String {
        format!("{}/decide?{}", self.prefix, self.query.as_deref().unwrap_or_default())
    }
}

fn body(provider: &str, action: &str) -> String {
    let people: String = demo_people().iter().map(person_button).collect();
    let (provider, action) = (Escaped(provider), Escaped(action));
    format!(
        r#"<header>
<p class="eyebrow">{provider} · stand-in for tests</p>
<h1>Who is signing in?</h1>
<p>Plumbline would like to know who you are. Nobody here is real, so pick anyone.</p>
</header>
<form method="post" action="{action}" aria-label="Demo people">
<ul class="people">
{people}</ul>
</form>
<section class="card">
<h2 id="someone-else">Someone else</h2>
<form method="post" action="{action}" aria-labelledby="someone-else">
<label>Name <input name="name" required maxlength="100" autocomplete="off"></label>
<label>E-mail <input name="email" type="email" autocomplete="off" placeholder="made from the name if empty"></label>
<label>The e-mail is
<select name="email_state">
<option value="verified">verified</option>
<option value="unverified">not verified</option>
<option value="missing">missing</option>
</select>
</label>
<button class="primary" name="person" value="someone-else">Sign in</button>
</form>
</section>
<form method="post" action="{action}" class="refuse">
<button name="person" value="refuse">Refuse</button>
<p>and go back without signing in</p>
</form>"#
    )
}

fn person_button(person: &Person) -> String {
    let initials: String = person.name.split(' ').filter_map(|word| word.chars().next()).collect();
    let (address, state) = match &person.email {
        Email::Verified(address) => (address.as_str(), r#"<span class="badge good">verified</span>"#),
        Email::Unverified(address) => (address.as_str(), r#"<span class="badge">not verified</span>"#),
        Email::Missing => ("no e-mail address", ""),
    };
    format!(
        r#"<li><button class="person" name="person" value="{key}">
<span class="avatar" aria-hidden="true">{initials}</span>
<span class="who"><strong>{name}</strong> <span class="address">{address}</span></span>
{state}
</button></li>
"#,
        key = Escaped(&person.login),
        initials = Escaped(&initials),
        name = Escaped(&person.name),
        address = Escaped(address),
    )
}
