//! Authorization codes and the access tokens they are exchanged for.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::sign_in::pkce::Challenge;

const CODE_LIFETIME: Duration = Duration::from_secs(60);
/// How long an access token is good for.
pub(crate) const TOKEN_LIFETIME: Duration = Duration::from_secs(60 * 60);

/// A consent, and what the token request has to prove. `D` is what the provider wants to remember of it.
#[derive(Clone, Debug)]
pub(crate) struct Grant<D> {
    pub(crate) redirect_uri: String,
    pub(crate) challenge: Option<Challenge>,
    pub(crate) details: D,
}

/// A token request, as far as a code is concerned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Redemption<'a> {
    pub(crate) code: &'a str,
    pub(crate) redirect_uri: Option<&'a str>,
    pub(crate) verifier: Option<&'a str>,
}

/// Why a code was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RedeemError {
    UnknownCode,
    ExpiredCode,
    UsedCode,
    WrongRedirectUri,
    WrongVerifier,
}

impl RedeemError {
    /// One sentence for the developer of the client.
    pub(crate) fn description(self) -> &'static str {
        match self {
            Self::UnknownCode => "The code is unknown.",
            Self::ExpiredCode => "The code has expired.",
            Self::UsedCode => "The code was used before; the tokens issued for it are revoked.",
            Self::WrongRedirectUri => "The redirect_uri is not the one of the authorization request.",
            Self::WrongVerifier => "The code_verifier does not match the code_challenge.",
        }
    }
}

/// All codes and tokens of one provider.
#[derive(Debug)]
pub(crate) struct Grants<D>(Mutex<Issued<D>>);

#[derive(Debug)]
struct Issued<D> {
    codes: HashMap<String, Code<D>>,
    tokens: HashMap<String, Token<D>>,
}

#[derive(Debug)]
struct Code<D> {
    grant: Grant<D>,
    issued_at: Instant,
    is_used: bool,
    access_token: Option<String>,
}

#[derive(Debug)]
struct Token<D> {
    details: D,
    issued_at: Instant,
}

impl<D> Default for Grants<D> {
    fn default() -> Self {
        Self(Mutex::new(Issued { codes: HashMap::new(), tokens: HashMap::new() }))
    }
}

impl<D: Clone> Grants<D> {
    /// Issues a code, good once and for a minute.
    pub(crate) fn issue_code(&self, grant: Grant<D>, now: Instant) -> String {
        let mut issued = self.lock();
        // A used code is remembered as long as its tokens live: only then can a replay revoke them.
        issued.codes.retain(|_, code| now.duration_since(code.issued_at) < TOKEN_LIFETIME);
        issued.tokens.retain(|_, token| now.duration_since(token.issued_at) < TOKEN_LIFETIME);
        let code = random_token();
        issued.codes.insert(code.clone(), Code { grant, issued_at: now, is_used: false, access_token: None });
        code
    }

    /// Exchanges a code for an access token. Every attempt uses the code up, a failed one too.
    pub(crate) fn redeem(&self, request: Redemption<'_>, now: Instant) -> Result<(String, D), RedeemError> {
        let issued = &mut *self.lock();
        let code = issued.codes.get_mut(request.code).ok_or(RedeemError::UnknownCode)?;
        if code.is_used {
            let revoked = code.access_token.take();
            revoked.map(|token| issued.tokens.remove(&token));
            return Err(RedeemError::UsedCode);
        }
        code.is_used = true;
        code.check(request, now)?;
        let access_token = random_token();
        let details = code.grant.details.clone();
        code.access_token = Some(access_token.clone());
        issued.tokens.insert(access_token.clone(), Token { details: details.clone(), issued_at: now });
        Ok((access_token, details))
    }

    /// What a live access token stands for.
    pub(crate) fn find_token(&self, access_token: &str, now: Instant) -> Option<D> {
        let issued = self.lock();
        let token = issued.tokens.get(access_token)?;
        (now.duration_since(token.issued_at) < TOKEN_LIFETIME).then(|| token.details.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Issued<D>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D> Code<D> {
    fn check(&self, request: Redemption<'_>, now: Instant) -> Result<(), RedeemError> {
        if now.duration_since(self.issued_at) >= CODE_LIFETIME {
            return Err(RedeemError::ExpiredCode);
        }
        if request.redirect_uri.is_some_and(|uri| uri != self.grant.redirect_uri) {
            return Err(RedeemError::WrongRedirectUri);
        }
        let is_proven = match (&self.grant.challenge, request.verifier) {
            (Some(challenge), Some(verifier)) => challenge.is_met_by(verifier),
            (None, None) => true,
            // A verifier nobody asked for means that somebody stripped the challenge on the way.
            (Some(_), None) | (None, Some(_)) => false,
        };
        if is_proven { Ok(()) } else { Err(RedeemError::WrongVerifier) }
    }
}

/// 256 random bits, safe in a URL.
fn random_token() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

#[cfg(test)]
mod tests {
    use super::*;

    const URI: &str = "http://localhost:3000/auth/callback";
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

    fn grant() -> Grant<&'static str> {
        let challenge = Challenge::parse("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", Some("S256"));
        Grant { redirect_uri: URI.into(), challenge, details: "ada" }
    }

    fn redemption(code: &str) -> Redemption<'_> {
        Redemption { code, redirect_uri: Some(URI), verifier: Some(VERIFIER) }
    }

    #[test]
    fn a_code_works_once_and_a_replay_revokes_its_token() {
        let (grants, now) = (Grants::default(), Instant::now());
        let code = grants.issue_code(grant(), now);
        let (token, details) = grants.redeem(redemption(&code), now).unwrap();
        assert_eq!((details, grants.find_token(&token, now)), ("ada", Some("ada")));
        assert_eq!(grants.redeem(redemption(&code), now), Err(RedeemError::UsedCode));
        assert_eq!(grants.find_token(&token, now), None);
    }

    #[test]
    fn codes_and_tokens_expire() {
        let (grants, now) = (Grants::default(), Instant::now());
        let (late, code) = (grants.issue_code(grant(), now), grants.issue_code(grant(), now));
        assert_eq!(grants.redeem(redemption(&late), now + CODE_LIFETIME), Err(RedeemError::ExpiredCode));
        let (token, _) = grants.redeem(redemption(&code), now).unwrap();
        assert_eq!(grants.find_token(&token, now + TOKEN_LIFETIME), None);
    }

    #[test]
    fn a_code_is_bound_to_its_request() {
        let (grants, now) = (Grants::default(), Instant::now());
        let attempt = |redirect_uri, verifier| {
            let code = grants.issue_code(grant(), now);
            grants.redeem(Redemption { code: &code, redirect_uri, verifier }, now).unwrap_err()
        };
        assert_eq!(attempt(Some("http://localhost/auth/x"), Some(VERIFIER)), RedeemError::WrongRedirectUri);
        assert_eq!(attempt(Some(URI), None), RedeemError::WrongVerifier);
        assert_eq!(attempt(Some(URI), Some(&VERIFIER.replace('d', "e"))), RedeemError::WrongVerifier);
        assert_eq!(grants.redeem(redemption("guess"), now), Err(RedeemError::UnknownCode));
    }

    #[test]
    fn a_verifier_without_a_challenge_is_refused() {
        let (grants, now) = (Grants::default(), Instant::now());
        let code = grants.issue_code(Grant { challenge: None, ..grant() }, now);
        assert_eq!(grants.redeem(redemption(&code), now), Err(RedeemError::WrongVerifier));
    }
}
