use std::time::Duration;

use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{ConfigError, Env};

/// Where traces are sent, and which. The names are OpenTelemetry's where it has one.
#[derive(Clone, Debug)]
pub struct TracesConfig {
    /// None: nothing is traced.
    pub otlp: Option<OtlpConfig>,
    /// Who sends them. Read from `OTEL_SERVICE_NAME`. Default `plumbline`.
    pub service_name: String,
    /// Which deployment this is. Read from `TRACES_ENVIRONMENT`. Default `production`.
    pub environment: String,
    /// The share of traces that is kept, from 0 to 1. Read from `OTEL_TRACES_SAMPLER_ARG`. Default 1.
    pub share: f64,
    /// Whether prompts and answers go into them, masked. Read from `TRACES_CAPTURE_TEXT`. Default `false`.
    pub captures_text: bool,
}

/// A collector that speaks OTLP over HTTP.
#[derive(Clone, Debug)]
pub struct OtlpConfig {
    /// Read from `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`, else from `OTEL_EXPORTER_OTLP_ENDPOINT`, below which it is
    /// `v1/traces`.
    pub endpoint: Url,
    /// Read from `OTEL_EXPORTER_OTLP_HEADERS`: `name=value,name=value`, values percent-encoded.
    pub headers: Vec<(String, SecretString)>,
    /// A batch that takes longer is dropped. Read from `OTEL_EXPORTER_OTLP_TIMEOUT`, in milliseconds. Default 10000.
    pub timeout: Duration,
}

impl TracesConfig {
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        const SHARE: &str = "OTEL_TRACES_SAMPLER_ARG";
        let share = env.parsed_or(SHARE, 1.0)?;
        if !(0.0..=1.0).contains(&share) {
            return Err(ConfigError { variable: SHARE, problem: "must be from 0 to 1".to_owned() });
        }
        Ok(Self {
            otlp: OtlpConfig::from_env(env)?,
            service_name: env.text_or("OTEL_SERVICE_NAME", "plumbline"),
            environment: env.text_or("TRACES_ENVIRONMENT", "production"),
            share,
            captures_text: env.parsed_or("TRACES_CAPTURE_TEXT", false)?,
        })
    }
}

impl OtlpConfig {
    fn from_env(env: &Env) -> Result<Option<Self>, ConfigError> {
        const WHOLE: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
        const BASE: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
        let endpoint = match (env.text(WHOLE), env.text(BASE)) {
            (Some(_), _) => env.url_or(WHOLE, "")?,
            (None, Some(_)) => below(env.url_or(BASE, "")?),
            (None, None) => return Ok(None),
        };
        let timeout_ms = env.positive_or("OTEL_EXPORTER_OTLP_TIMEOUT", 10_000)?;
        let timeout = Duration::from_millis(timeout_ms.into());
        Ok(Some(Self { endpoint, headers: headers(env)?, timeout }))
    }
}

fn below(mut base: Url) -> Url {
    if let Ok(mut path) = base.path_segments_mut() {
        path.pop_if_empty().extend(["v1", "traces"]);
    }
    base
}

fn headers(env: &Env) -> Result<Vec<(String, SecretString)>, ConfigError> {
    const HEADERS: &str = "OTEL_EXPORTER_OTLP_HEADERS";
    let secret = env.secret(HEADERS);
    let text = secret.as_ref().map(ExposeSecret::expose_secret).unwrap_or_default();
    let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
    let header = |pair: &str| {
        let (name, value) = pair.split_once('=')?;
        let value = percent_decode_str(value.trim()).decode_utf8().ok()?;
        Some((name.trim().to_owned(), value.into_owned().into()))
    };
    let headers: Option<Vec<_>> = pairs.map(header).collect();
    headers
        .ok_or_else(|| ConfigError { variable: HEADERS, problem: "must be name=value,name=value".to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<TracesConfig, ConfigError> {
        let owned = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        TracesConfig::from_env(&owned.collect())
    }

    #[test]
    fn nothing_is_traced_unless_an_endpoint_is_set() {
        assert!(read(&[]).expect("settings").otlp.is_none());
    }

    #[test]
    fn the_path_is_added_to_the_general_endpoint_only() {
        for (variable, value, endpoint) in [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:4318", "http://h:4318/v1/traces"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://h/api/otel/", "https://h/api/otel/v1/traces"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://h/in", "http://h/in"),
        ] {
            let otlp = read(&[(variable, value)]).expect("settings").otlp.expect("an endpoint");
            assert_eq!(otlp.endpoint.as_str(), endpoint);
        }
    }

    #[test]
    fn values_of_headers_are_decoded() {
        let otlp = read(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Basic%20YTpi, x-version=4"),
        ]);
        let headers = otlp.expect("settings").otlp.expect("an endpoint").headers;
        let plain: Vec<_> =
            headers.iter().map(|(name, value)| (name.as_str(), value.expose_secret())).collect();
        assert_eq!(plain, [("Authorization", "Basic YTpi"), ("x-version", "4")]);
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for (variable, value) in [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "h:4318"),
            ("OTEL_TRACES_SAMPLER_ARG", "1.5"),
            ("TRACES_CAPTURE_TEXT", "maybe"),
        ] {
            assert_eq!(read(&[(variable, value)]).expect_err(variable).variable, variable);
        }
        let headers = [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h"), ("OTEL_EXPORTER_OTLP_HEADERS", "secret")];
        assert!(!read(&headers).expect_err("no pair").to_string().contains("secret"));
    }
}
