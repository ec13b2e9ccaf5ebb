//! Settings: one small struct a concern, read once at start-up, each field naming its variable.

mod audit;
mod billing;
mod catalog;
mod database;
mod jobs;
mod langfuse;
mod limits;
mod links;
mod llm;
mod log;
mod mail;
mod metrics;
mod operators;
mod plans;
mod redis;
mod sentry;
mod server;
mod session;
mod sign_in;
mod spending;
mod traces;

use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use app::types::{Nanos, Setting, SettingValue};
use secrecy::SecretString;

pub use self::audit::AuditConfig;
pub use self::billing::{BillingConfig, StripeConfig};
pub use self::catalog::{ApiKeys, CatalogConfig, ModelConfig, OutputCapField, RouteConfig, WireFormat};
pub use self::database::DatabaseConfig;
pub use self::jobs::JobsConfig;
pub use self::langfuse::LangfuseConfig;
pub use self::limits::LimitsConfig;
pub use self::links::LinksConfig;
pub use self::llm::{LlmClocks, LlmConfig};
pub use self::log::{LogConfig, LogFormat};
pub use self::mail::{MailConfig, SmtpConfig};
pub use self::metrics::MetricsConfig;
pub use self::operators::{OperatorIdentity, OperatorsConfig};
pub use self::plans::{OveragePrice, Pack, PaidPlan, PlanPrice, PlansConfig};
pub use self::redis::RedisConfig;
pub use self::sentry::SentryConfig;
pub use self::server::ServerConfig;
pub use self::session::SessionConfig;
pub use self::sign_in::{GithubConfig, OidcConfig, SignInConfig};
pub use self::spending::SpendingConfig;
pub use self::traces::{OtlpConfig, TracesConfig};

/// Everything the server can be told from outside.
#[derive(Clone, Debug)]
pub struct Config {
    pub server: ServerConfig,
    pub database: DatabaseConfig,
    pub redis: RedisConfig,
    pub limits: LimitsConfig,
    pub session: SessionConfig,
    pub sign_in: SignInConfig,
    pub operators: OperatorsConfig,
    pub llm: LlmConfig,
    pub plans: PlansConfig,
    pub billing: BillingConfig,
    pub mail: MailConfig,
    /// None: nobody is told what people think of replies.
    pub langfuse: Option<LangfuseConfig>,
    pub jobs: JobsConfig,
    pub audit: AuditConfig,
    pub metrics: MetricsConfig,
    pub spending: SpendingConfig,
    pub links: LinksConfig,
    /// Everything that was read, as it may be shown.
    pub settings: Vec<Setting>,
}

impl Config {
    /// # Errors
    /// Names the first variable that is missing or makes no sense.
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        Ok(Self {
            server: ServerConfig::from_env(env)?,
            database: DatabaseConfig::from_env(env)?,
            redis: RedisConfig::from_env(env)?,
            limits: LimitsConfig::from_env(env)?,
            session: SessionConfig::from_env(env)?,
            sign_in: SignInConfig::from_env(env)?,
            operators: OperatorsConfig::from_env(env)?,
            llm: LlmConfig::from_env(env)?,
            plans: PlansConfig::from_env(env)?,
            billing: BillingConfig::from_env(env)?,
            mail: MailConfig::from_env(env)?,
            langfuse: LangfuseConfig::from_env(env)?,
            jobs: JobsConfig::from_env(env)?,
            audit: AuditConfig::from_env(env)?,
            metrics: MetricsConfig::from_env(env)?,
            spending: SpendingConfig::from_env(env)?,
            links: LinksConfig::from_env(env)?,
            settings: env.settings(),
        })
    }
}

/// A setting that keeps the server from starting.
#[derive(Debug, thiserror::Error)]
#[error("{variable} {problem} (see docs/configuration.md)")]
pub struct ConfigError {
    pub variable: &'static str,
    pub problem: String,
}

/// The variables settings are read from. One that is set to nothing counts as not set. What is read is kept, so that
/// operators can see it; secrets only as being there.
#[derive(Clone, Default)]
pub struct Env {
    variables: HashMap<String, String>,
    read: Arc<Mutex<BTreeMap<&'static str, Setting>>>,
}

impl Env {
    /// Those of this process.
    pub fn of_process() -> Self {
        std::env::vars().collect()
    }

    fn text(&self, variable: &'static str) -> Option<String> {
        let text = self.look_up(variable);
        self.keep(variable, text.clone().map(SettingValue::Text), SettingValue::None);
        text
    }

    fn text_or(&self, variable: &'static str, default: &str) -> String {
        let text = self.look_up(variable);
        self.keep(variable, text.clone().map(SettingValue::Text), SettingValue::Text(default.to_owned()));
        text.unwrap_or_else(|| default.to_owned())
    }

    fn secret(&self, variable: &'static str) -> Option<SecretString> {
        let text = self.look_up(variable);
        self.keep(variable, text.as_ref().map(|_| SettingValue::Secret), SettingValue::None);
        text.map(Into::into)
    }

    fn required(&self, variable: &'static str) -> Result<String, ConfigError> {
        self.text(variable).ok_or_else(|| missing(variable))
    }

    fn required_secret(&self, variable: &'static str) -> Result<SecretString, ConfigError> {
        self.secret(variable).ok_or_else(|| missing(variable))
    }

    fn parsed<T>(&self, variable: &'static str) -> Result<Option<T>, ConfigError>
    where
        T: FromStr,
        T::Err: Display,
    {
        self.text(variable).map(|text| parse(variable, &text)).transpose()
    }

    fn parsed_or<T>(&self, variable: &'static str, default: T) -> Result<T, ConfigError>
    where
        T: FromStr + ToString,
        T::Err: Display,
    {
        parse(variable, &self.text_or(variable, &default.to_string()))
    }

    fn look_up(&self, variable: &str) -> Option<String> {
        self.variables.get(variable).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    fn keep(&self, variable: &'static str, value: Option<SettingValue>, default: SettingValue) {
        let is_default = value.is_none();
        let setting = Setting { variable: variable.to_owned(), value: value.unwrap_or(default), is_default };
        self.read.lock().unwrap_or_else(PoisonError::into_inner).insert(variable, setting);
    }

    /// What was read so far, by name.
    fn settings(&self) -> Vec<Setting> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    fn positive_or(&self, variable: &'static str, default: u32) -> Result<u32, ConfigError> {
        match self.parsed_or(variable, default)? {
            0 => Err(ConfigError { variable, problem: "must be at least 1".to_owned() }),
            value => Ok(value),
        }
    }

    /// An amount that may be left out, but not be zero.
    fn cents(&self, variable: &'static str) -> Result<Option<Nanos>, ConfigError> {
        match self.text(variable) {
            None => Ok(None),
            Some(_) => Ok(Some(Nanos::from_cents(self.positive_or(variable, 1)?.into()))),
        }
    }

    fn seconds_or(&self, variable: &'static str, default_seconds: u32) -> Result<Duration, ConfigError> {
        Ok(Duration::from_secs(self.positive_or(variable, default_seconds)?.into()))
    }

    fn days_or(&self, variable: &'static str, default_days: u32) -> Result<Duration, ConfigError> {
        Ok(Duration::from_secs(u64::from(self.positive_or(variable, default_days)?) * 86_400))
    }

    fn url_or(&self, variable: &'static str, default: &str) -> Result<url::Url, ConfigError> {
        let url: url::Url = self
            .text_or(variable, default)
            .parse()
            .map_err(|error| ConfigError { variable, problem: format!("is not a URL: {error}") })?;
        match url.scheme() {
            "http" | "https" => Ok(url),
            scheme => Err(ConfigError { variable, problem: format!("must be http or https, not {scheme}") }),
        }
    }
}

impl FromIterator<(String, String)> for Env {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        Self { variables: variables.into_iter().collect(), read: Arc::default() }
    }
}

fn parse<T>(variable: &'static str, text: &str) -> Result<T, ConfigError>
where
    T: FromStr,
    T::Err: Display,
{
    text.parse().map_err(|error| ConfigError { variable, problem: format!("is not valid: {error}") })
}

fn missing(variable: &'static str) -> ConfigError {
    ConfigError { variable, problem: "must be set".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(variables: &[(&str, &str)]) -> Env {
        let required = [
            ("DATABASE_URL", "postgres://localhost/plumbline"),
            ("REDIS_URL", "redis://localhost"),
            ("MODEL_CATALOG", concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/catalog.example.toml")),
        ];
        required
            .iter()
            .chain(variables)
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn the_required_variables_are_enough() {
        assert!(Config::from_env(&env(&[])).is_ok());
    }

    #[test]
    fn start_up_fails_naming_the_variable() {
        for (variable, value) in [
            ("DATABASE_URL", ""),
            ("REDIS_URL", " "),
            ("PUBLIC_URL", "ftp://example.test"),
            ("LISTEN_ADDR", "here"),
            ("DATABASE_POOL_SIZE", "0"),
            ("FREE_REQUESTS_PER_MINUTE", "-1"),
            ("AUDIT_HOUR_UTC", "24"),
            ("FREE_MONTHLY_CAP_CENTS", "0"),
            ("FREE_MONTHLY_CAP_IS_HARD", "maybe"),
            ("DAILY_CEILING_CENTS", "$5"),
            ("OIDC_ISSUER", "https://issuer.example"),
            ("OPERATORS", "ada@example.com"),
            ("GITHUB_CLIENT_ID", "id"),
            ("MODEL_CATALOG", "/nowhere.toml"),
            ("PLANS", "/nowhere.toml"),
            ("STRIPE_SECRET_KEY", "sk_test_1"),
            ("SMTP_URL", "mail.example.com"),
            ("LANGFUSE_PUBLIC_KEY", "pk-lf-1"),
            ("SUPPORT_URL", "help@example.com"),
            ("TERMS_URL", "mailto:help@example.com"),
            ("PRIVACY_URL", "javascript:alert(1)"),
        ] {
            let error = Config::from_env(&env(&[(variable, value)])).expect_err(variable).to_string();
            let named = if variable.ends_with("_ISSUER") { "OIDC_CLIENT_ID" } else { variable };
            let named = if named == "GITHUB_CLIENT_ID" { "GITHUB_CLIENT_SECRET" } else { named };
            let named = if named == "LANGFUSE_PUBLIC_KEY" { "LANGFUSE_SECRET_KEY" } else { named };
            let named = if named == "STRIPE_SECRET_KEY" { "STRIPE_WEBHOOK_SECRETS" } else { named };
            assert!(error.starts_with(named), "{error}");
        }
    }

    #[test]
    fn settings_are_kept_as_operators_may_see_them() {
        let config = Config::from_env(&env(&[("JOB_CONCURRENCY", "7")])).expect("settings");
        let setting =
            |name: &str| config.settings.iter().find(|setting| setting.variable == name).expect(name);
        let text = |text: &str| SettingValue::Text(text.to_owned());
        assert_eq!(
            (setting("JOB_CONCURRENCY").value.clone(), setting("JOB_CONCURRENCY").is_default),
            (text("7"), false)
        );
        assert_eq!(
            (setting("AUDIT_HOUR_UTC").value.clone(), setting("AUDIT_HOUR_UTC").is_default),
            (text("3"), true)
        );
        assert_eq!(setting("DATABASE_URL").value, SettingValue::Secret);
        assert_eq!(setting("STRIPE_SECRET_KEY").value, SettingValue::None);
    }

    #[test]
    fn secrets_do_not_show_when_settings_are_printed() {
        let env = env(&[
            ("OPENAI_API_KEY", "s3cret"),
            ("DATABASE_URL", "postgres://u:s3cret@h/d"),
            ("REDIS_URL", "redis://:s3cret@h"),
            ("GITHUB_CLIENT_ID", "id"),
            ("GITHUB_CLIENT_SECRET", "s3cret"),
            ("STRIPE_SECRET_KEY", "s3cret"),
            ("STRIPE_WEBHOOK_SECRETS", "s3cret,s3cret"),
            ("SMTP_URL", "smtps://u:s3cret@h"),
            ("MAIL_FROM", "a@h"),
            ("LANGFUSE_PUBLIC_KEY", "pk"),
            ("LANGFUSE_SECRET_KEY", "s3cret"),
            ("SENTRY_DSN", "https://s3cret@h/1"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://h"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=s3cret"),
        ]);
        assert!(SentryConfig::from_env(&env).expect("settings").dsn.is_some());
        assert!(TracesConfig::from_env(&env).expect("settings").otlp.is_some());
        let config = Config::from_env(&env).expect("settings");
        assert!(config.settings.iter().any(|setting| setting.variable == "OTEL_EXPORTER_OTLP_HEADERS"));
        assert!(!format!("{config:?}").contains("s3cret"));
    }
}
