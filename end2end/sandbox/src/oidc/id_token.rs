//! Signing keys, ID tokens, and the ways tests can have one spoilt.

use std::error::Error;
use std::sync::OnceLock;

use chrono::{Duration, Utc};
use openidconnect::core::{
    CoreGenderClaim, CoreIdToken, CoreIdTokenClaims, CoreJsonWebKeySet, CoreJwsSigningAlgorithm,
    CoreRsaPrivateSigningKey, CoreUserInfoClaims,
};
use openidconnect::{
    AccessToken, Audience, EmptyAdditionalClaims, EndUserEmail, EndUserName, IssuerUrl, JsonWebKeyId, Nonce,
    PrivateSigningKey, StandardClaims, SubjectIdentifier,
};
use rsa::RsaPrivateKey;
use rsa::pkcs1::{EncodeRsaPrivateKey, LineEnding};
use rsa::rand_core::OsRng;
use serde::Deserialize;
use uuid::Uuid;

use crate::oidc::authorize::Consent;
use crate::people::Person;
use crate::sign_in::client::CLIENT_ID;

/// A defect that an attack test asks for with `sandbox_fault`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fault {
    WrongNonce,
    WrongAudience,
    Expired,
    WrongKey,
}

/// Signs ID tokens for one issuer.
pub(crate) struct IdTokenSigner {
    issuer: IssuerUrl,
    key_id: JsonWebKeyId,
    key: CoreRsaPrivateSigningKey,
    /// Made on first use: most runs attack nothing, and a key takes a moment.
    foreign_key: OnceLock<CoreRsaPrivateSigningKey>,
}

impl IdTokenSigner {
    /// Makes a signer with a key of its own.
    pub(crate) fn new(issuer: IssuerUrl) -> Result<Self, Box<dyn Error>> {
        // A new id for every key: whoever caches keys across a restart has to notice.
        let key_id = JsonWebKeyId::new(Uuid::new_v4().to_string());
        let key = generate_key(&key_id)?;
        Ok(Self { issuer, key_id, key, foreign_key: OnceLock::new() })
    }

    /// The keys a client may verify with.
    pub(crate) fn public_keys(&self) -> CoreJsonWebKeySet {
        CoreJsonWebKeySet::new(vec![self.key.as_verification_key()])
    }

    /// The ID token of one sign-in, spoilt if it asks for that.
    pub(crate) fn sign(&self, consent: &Consent, access_token: &str) -> Result<CoreIdToken, Box<dyn Error>> {
        let key = match consent.fault {
            Some(Fault::WrongKey) => self.foreign_key()?,
            _ => &self.key,
        };
        let access_token = AccessToken::new(access_token.to_owned());
        let algorithm = CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256;
        Ok(CoreIdToken::new(self.claims(consent), key, algorithm, Some(&access_token), None)?)
    }

    fn claims(&self, consent: &Consent) -> CoreIdTokenClaims {
        let audience = match consent.fault {
            Some(Fault::WrongAudience) => "some-other-client",
            _ => CLIENT_ID,
        };
        let nonce = match consent.fault {
            Some(Fault::WrongNonce) => Some("some-other-nonce".to_owned()),
            _ => consent.nonce.clone(),
        };
        let issued_at = match consent.fault {
            Some(Fault::Expired) => Utc::now() - Duration::hours(2),
            _ => Utc::now(),
        };
        CoreIdTokenClaims::new(
            self.issuer.clone(),
            vec![Audience::new(audience.into())],
            issued_at + Duration::hours(1),
            issued_at,
            standard_claims(&consent.person),
            EmptyAdditionalClaims {},
        )
        .set_auth_time(Some(issued_at))
        .set_nonce(nonce.map(Nonce::new))
    }

    /// A key that is not published, under the id of the one that is: only the signature gives it away.
    fn foreign_key(&self) -> Result<&CoreRsaPrivateSigningKey, Box<dyn Error>> {
        if let Some(key) = self.foreign_key.get() {
            return Ok(key);
        }
        let key = generate_key(&self.key_id)?;
        Ok(self.foreign_key.get_or_init(|| key))
    }
}

/// What `/userinfo` says of a person.
pub(crate) fn userinfo_claims(person: &Person) -> CoreUserInfoClaims {
    CoreUserInfoClaims::new(standard_claims(person), EmptyAdditionalClaims {})
}

fn standard_claims(person: &Person) -> StandardClaims<CoreGenderClaim> {
    let email = person.email.address().map(|address| EndUserEmail::new(address.to_owned()));
    StandardClaims::new(SubjectIdentifier::new(person.subject.clone()))
        .set_name(Some(EndUserName::new(person.name.clone()).into()))
        .set_email(email)
        .set_email_verified(person.email.is_verified())
}

fn generate_key(key_id: &JsonWebKeyId) -> Result<CoreRsaPrivateSigningKey, Box<dyn Error>> {
    let pem = RsaPrivateKey::new(&mut OsRng, 2048)?.to_pkcs1_pem(LineEnding::LF)?;
    Ok(CoreRsaPrivateSigningKey::from_pem(&pem, Some(key_id.clone()))?)
}

#[cfg(test)]
mod tests {
    use openidconnect::core::CoreIdTokenVerifier;
    use openidconnect::{ClientId, ClientSecret};

    use super::*;
    use crate::people::find_demo_person;

    fn consent(fault: Option<Fault>) -> Consent {
        Consent { person: find_demo_person("ada").unwrap(), nonce: Some("n-1".into()), fault }
    }

    // One test for all faults: each signer costs a key.
    #[test]
    fn tokens_verify_unless_spoilt() {
        let issuer = IssuerUrl::new("http://127.0.0.1:4010/oidc".into()).unwrap();
        let signer = IdTokenSigner::new(issuer.clone()).unwrap();
        let verifier = CoreIdTokenVerifier::new_confidential_client(
            ClientId::new(CLIENT_ID.into()),
            ClientSecret::new("sandbox-secret".into()),
            issuer,
            signer.public_keys(),
        );
        let verify = |fault| {
            let token = signer.sign(&consent(fault), "access").unwrap();
            let claims = token.claims(&verifier, &Nonce::new("n-1".into())).cloned();
            claims.map_err(|error| error.to_string())
        };
        let claims = verify(None).unwrap();
        assert_eq!(claims.subject().as_str(), "person-ada");
        assert_eq!(claims.email_verified(), Some(true));
        let refused = [
            (Fault::WrongNonce, "nonce"),
            (Fault::WrongAudience, "audience"),
            (Fault::Expired, "expired"),
            (Fault::WrongKey, "ignature"),
        ];
        for (fault, reason) in refused {
            let error = verify(Some(fault)).unwrap_err();
            assert!(error.contains(reason), "{fault:?}: {error}");
        }
    }

    #[test]
    fn a_missing_email_leaves_both_claims_out() {
        let noor = serde_json::to_value(userinfo_claims(&find_demo_person("noor").unwrap())).unwrap();
        assert_eq!(noor, serde_json::json!({"sub": "person-noor", "name": "Noor"}));
    }
}
