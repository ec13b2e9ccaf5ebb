//! People who have signed in, as far as the server can tell.

use http::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Client, RequestBuilder, Response};
use url::Url;

use crate::Result;

/// Somebody's session.
pub struct Person {
    cookies: Vec<String>,
}

impl Person {
    /// Signs in through the sandbox as somebody of that name.
    pub async fn sign_in(http: &Client, public_url: &Url, name: &str) -> Result<Self> {
        let mut person = Self { cookies: vec![] };
        let start = person.get(http, public_url.join("auth/oidc/start")?).await?;
        let mut authorize: Url = location(&start)?.parse()?;
        authorize.query_pairs_mut().append_pair("login_hint", &format!("new:{name}"));
        let authorized = http.get(authorize).send().await?;
        let callback = person.get(http, location(&authorized)?.parse()?).await?;
        location(&callback)?;
        Ok(person)
    }

    /// Calls a server function as this person's browser does.
    pub fn call(&self, http: &Client, public_url: &Url, function: &str) -> Result<RequestBuilder> {
        let request = http.post(public_url.join(&format!("api/{function}"))?);
        Ok(request.header(COOKIE, self.cookies.join("; ")).header("sec-fetch-site", "same-origin"))
    }

    /// Asks for a page, as this person's browser does.
    pub fn page(&self, http: &Client, url: Url) -> RequestBuilder {
        http.get(url).header(COOKIE, self.cookies.join("; "))
    }

    async fn get(&mut self, http: &Client, url: Url) -> Result<Response> {
        let response = http.get(url).header(COOKIE, self.cookies.join("; ")).send().await?;
        for cookie in response.headers().get_all(SET_COOKIE) {
            self.cookies.extend(cookie.to_str()?.split(';').next().map(str::to_owned));
        }
        Ok(response)
    }
}

fn location(response: &Response) -> Result<&str> {
    let location = response.headers().get(LOCATION);
    Ok(location.ok_or_else(|| format!("signing in answered {}", response.status()))?.to_str()?)
}
