//! The file the model catalog is seeded from.

use std::collections::HashSet;
use std::num::NonZeroU16;
use std::path::Path;

use app::types::{ModelPrices, Nanos};
use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

use super::{ConfigError, Env};

/// Read from the TOML file that `MODEL_CATALOG` names, default `catalog.toml`. `${NAME}` in it stands for the variable
/// of that name. It fills an empty database; `plumbline apply-catalog` brings a filled one in line with it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogConfig {
    /// In the order people see them; the first one a plan includes is its default.
    pub models: Vec<ModelConfig>,
}

/// A model people can choose.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// Stable, as stored and as asked for.
    pub key: String,
    pub name: String,
    /// What it is good at.
    pub description: String,
    /// What it can read and write at once.
    pub context_tokens: u32,
    /// The longest answer.
    pub max_output_tokens: u32,
    /// An answer that could not even be so long is not begun.
    #[serde(default = "default_min_output_tokens")]
    pub min_output_tokens: u32,
    /// What people pay.
    #[serde(with = "PricesInFile")]
    pub prices: ModelPrices,
    /// The keys of the plans that include it.
    pub plans: Vec<String>,
    /// Tried in this order.
    pub routes: Vec<RouteConfig>,
}

fn default_min_output_tokens() -> u32 {
    64
}

/// One way to a model.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteConfig {
    /// Stable, for operators.
    pub key: String,
    /// The wire format it speaks.
    pub provider: WireFormat,
    /// Up to and with its version: `https://api.openai.com/v1`.
    pub base_url: Url,
    /// As the provider calls the model.
    pub model: String,
    /// The name of the variable with the key, which ends in `_API_KEY`.
    pub api_key_variable: String,
    /// What it costs us.
    #[serde(with = "PricesInFile")]
    pub costs: ModelPrices,
    /// Of the format `openai`: how the longest answer is asked for.
    #[serde(default)]
    pub output_cap_field: OutputCapField,
    /// Of the format `openai`: whether a stream is asked to end with what it used. Some count unasked and refuse to be asked.
    #[serde(default = "unless_told_otherwise")]
    pub usage_in_stream: bool,
    /// Whether the model may be told how to choose its words: those that think choose by themselves, and refuse to be told.
    #[serde(default = "unless_told_otherwise")]
    pub takes_sampling: bool,
    /// How long this model may think before its first token. None: as long as `LLM_FIRST_TOKEN_TIMEOUT_SECONDS` says.
    pub first_token_seconds: Option<NonZeroU16>,
}

fn unless_told_otherwise() -> bool {
    true
}

/// Prices, with their unit in their names.
#[derive(Deserialize)]
#[serde(remote = "ModelPrices", deny_unknown_fields)]
struct PricesInFile {
    #[serde(rename = "input_nanos_per_million")]
    input: Nanos,
    #[serde(rename = "cached_input_nanos_per_million")]
    cached_input: Nanos,
    #[serde(rename = "output_nanos_per_million")]
    output: Nanos,
}

/// The field of a request in OpenAI's format that caps the answer: OpenAI's newer models refuse the older one, and most
/// others know no other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputCapField {
    #[default]
    MaxTokens,
    MaxCompletionTokens,
}

/// How a provider is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WireFormat {
    /// Chat Completions, as OpenAI, vLLM, Ollama, Groq, OpenRouter and others.
    Openai,
    /// Messages.
    Anthropic,
}

impl WireFormat {
    /// As stored, and as operators read it.
    pub fn key(self) -> &'static str {
        match self {
            Self::Openai => "openai",
            Self::Anthropic => "anthropic",
        }
    }
}

impl CatalogConfig {
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let path = env.text_or("MODEL_CATALOG", "catalog.toml");
        let bad = |problem: String| ConfigError { variable: "MODEL_CATALOG", problem };
        let text = std::fs::read_to_string(Path::new(&path))
            .map_err(|error| bad(format!("names {path}, which cannot be read: {error}")))?;
        let text = expand(&text, env).map_err(|name| bad(format!("refers to {name}, which is not set")))?;
        Self::parse(&text).map_err(|problem| bad(format!("names {path}, which is not valid: {problem}")))
    }

    /// # Errors
    /// Says what is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let catalog: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        catalog.check()?;
        Ok(catalog)
    }

    fn check(&self) -> Result<(), String> {
        if self.models.is_empty() {
            return Err("it has no model".to_owned());
        }
        let mut keys = HashSet::new();
        let routes = self.models.iter().flat_map(|model| &model.routes);
        let all = self.models.iter().map(|model| &model.key).chain(routes.clone().map(|route| &route.key));
        if let Some(key) = all.into_iter().find(|key| !keys.insert(*key)) {
            return Err(format!("the key {key} is there twice"));
        }
        if let Some(model) = self.models.iter().find(|model| model.routes.is_empty()) {
            return Err(format!("the model {} has no route", model.key));
        }
        match routes.clone().find(|route| !route.api_key_variable.ends_with("_API_KEY")) {
            Some(route) => Err(format!("the api_key_variable of {} must end in _API_KEY", route.key)),
            None => Ok(()),
        }
    }
}

/// The variable that is not set, if one is not.
fn expand(text: &str, env: &Env) -> Result<String, String> {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        expanded.push_str(before);
        expanded.push_str(env.variables.get(name).ok_or(name)?);
        rest = after;
    }
    Ok(expanded + rest)
}

/// The keys of providers: every variable whose name ends in `_API_KEY`.
#[derive(Clone, Debug, Default)]
pub struct ApiKeys(std::collections::HashMap<String, SecretString>);

impl ApiKeys {
    pub(super) fn from_env(env: &Env) -> Self {
        let keys = env
            .variables
            .iter()
            .filter(|(name, value)| name.ends_with("_API_KEY") && !value.trim().is_empty());
        Self(keys.map(|(name, value)| (name.clone(), value.trim().to_owned().into())).collect())
    }

    pub(crate) fn get(&self, variable: &str) -> Option<&SecretString> {
        self.0.get(variable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: &str = r#"
        [[models]]
        key = "small"
        name = "Small"
        description = "Quick answers"
        context_tokens = 8000
        max_output_tokens = 1000
        plans = ["free"]
        prices = { input_nanos_per_million = 1, cached_input_nanos_per_million = 1, output_nanos_per_million = 2 }
        [[models.routes]]
        key = "small-a"
        provider = "openai"
        base_url = "${BASE}/v1"
        model = "upstream"
        api_key_variable = "A_API_KEY"
        costs = { input_nanos_per_million = 1, cached_input_nanos_per_million = 1, output_nanos_per_million = 1 }
    "#;

    fn parse(text: &str) -> Result<CatalogConfig, String> {
        let env: Env = [("BASE".to_owned(), "http://localhost:1".to_owned())].into_iter().collect();
        CatalogConfig::parse(&expand(text, &env)?)
    }

    #[test]
    fn variables_in_the_file_are_filled_in() {
        let catalog = parse(MODEL).expect("valid");
        assert_eq!(catalog.models[0].routes[0].base_url.as_str(), "http://localhost:1/v1");
        assert_eq!(expand("${MISSING}", &Env::default()), Err("MISSING".to_owned()));
    }

    #[test]
    fn a_stream_is_asked_what_it_used_unless_the_file_says_otherwise() {
        let asks = |text: &str| parse(text).expect("valid").models[0].routes[0].usage_in_stream;
        assert!(asks(MODEL));
        assert!(!asks(&MODEL.replace("api_key_variable", "usage_in_stream = false\napi_key_variable")));
    }

    #[test]
    fn a_model_is_told_how_to_choose_its_words_unless_the_file_says_otherwise() {
        let takes = |text: &str| parse(text).expect("valid").models[0].routes[0].takes_sampling;
        assert!(takes(MODEL));
        assert!(!takes(&MODEL.replace("api_key_variable", "takes_sampling = false\napi_key_variable")));
    }

    #[test]
    fn mistakes_are_named() {
        for (from, to, problem) in [
            ("small-a", "small", "the key small is there twice"),
            ("A_API_KEY", "A_SECRET", "must end in _API_KEY"),
            ("\"openai\"", "\"carrier pigeon\"", "carrier pigeon"),
            ("plans", "planes", "planes"),
            ("api_key_variable", "first_token_seconds = 0\napi_key_variable", "first_token_seconds"),
            ("api_key_variable", "output_cap_field = \"max\"\napi_key_variable", "max_completion_tokens"),
        ] {
            let error = parse(&MODEL.replace(from, to)).expect_err(problem);
            assert!(error.contains(problem), "{error}");
        }
    }
}
