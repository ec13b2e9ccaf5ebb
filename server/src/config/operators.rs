use super::{ConfigError, Env};

/// Who may open the admin panel from their next sign-in on. Whoever is one already stays it: `plumbline admin revoke`.
#[derive(Clone, Debug, Default)]
pub struct OperatorsConfig {
    /// Identities, never e-mail addresses. Read from `OPERATORS`: `issuer|subject`, separated by commas. Default none.
    pub identities: Vec<OperatorIdentity>,
}

/// Somebody at an identity provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorIdentity {
    pub issuer: String,
    pub subject: String,
}

impl OperatorsConfig {
    pub(super) fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let list = env.text("OPERATORS").unwrap_or_default();
        let identities = list.split(',').map(str::trim).filter(|text| !text.is_empty()).map(parse);
        Ok(Self { identities: identities.collect::<Result<_, _>>()? })
    }

    pub(crate) fn names(&self, issuer: &str, subject: &str) -> bool {
        self.identities.iter().any(|identity| identity.issuer == issuer && identity.subject == subject)
    }
}

fn parse(text: &str) -> Result<OperatorIdentity, ConfigError> {
    let (issuer, subject) = text.split_once('|').unwrap_or_default();
    if issuer.is_empty() || subject.is_empty() {
        let problem = "must list issuer|subject, separated by commas".to_owned();
        return Err(ConfigError { variable: "OPERATORS", problem });
    }
    Ok(OperatorIdentity { issuer: issuer.to_owned(), subject: subject.to_owned() })
}
