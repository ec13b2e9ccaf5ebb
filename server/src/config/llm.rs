use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::{ConfigError, Env};

/// The language model and its provider.
#[derive(Clone, Debug)]
pub struct LlmConfig {
    /// Read from `LLM_BASE_URL`: an OpenAI-compatible API, up to and with its `/v1`. Default
    /// <https://api.openai.com/v1>.
    pub base_url: Url,
    /// Read from `LLM_API_KEY`.
    pub api_key: SecretString,
    pub model: ModelConfig,
    pub clocks: LlmClocks,
}

/// The model answers come from, and its price for our users.
#[derive(Clone, Debug)]
pub struct ModelConfig {
    /// As the provider calls it. Read from `LLM_MODEL`.
    pub name: String,
    /// What it can read and write at once. Read from `LLM_CONTEXT_TOKENS`. Default 32768.
    pub context_tokens: u32,
    /// The longest answer. Read from `LLM_MAX_OUTPUT_TOKENS`. Default 2048.
    pub max_output_tokens: u32,
    /// An answer that could not even be so long is not begun. Read from `LLM_MIN_OUTPUT_TOKENS`. Default 64.
    pub min_output_tokens: u32,
    /// Read from `LLM_INPUT_NANOS_PER_MILLION_TOKENS`, in billionths of a dollar. Default 150000000 ($0.15).
    pub input_nanos_per_million_tokens: i64,
    /// Read from `LLM_OUTPUT_NANOS_PER_MILLION_TOKENS`. Default 600000000 ($0.60).
    pub output_nanos_per_million_tokens: i64,
}

/// How long to wait for the provider at each stage.
#[derive(Clone, Copy, Debug)]
pub struct LlmClocks {
    /// Read from `LLM_CONNECT_TIMEOUT_SECONDS`. Default 5.
    pub connect: Duration,
    /// From sending the request to the first piece of text. Read from `LLM_FIRST_TOKEN_TIMEOUT_SECONDS`. Default 30.
    pub first_token: Duration,
    /// Between two pieces of text. Read from `LLM_IDLE_TIMEOUT_SECONDS`. Default 30.
    pub idle: Duration,
    /// The whole answer. Read from `LLM_TOTAL_TIMEOUT_SECONDS`. Default 600.
    pub total: Duration,
}

impl LlmConfig {
    pub(super) fn from_env(env: &Env) -> Result<Self, ConfigError> {
        Ok(Self {
            base_url: env.url_or("LLM_BASE_URL", "https://api.openai.com/v1")?,
            api_key: env.required("LLM_API_KEY")?.into(),
            model: ModelConfig {
                name: env.required("LLM_MODEL")?,
                context_tokens: env.positive_or("LLM_CONTEXT_TOKENS", 32_768)?,
                max_output_tokens: env.positive_or("LLM_MAX_OUTPUT_TOKENS", 2048)?,
                min_output_tokens: env.positive_or("LLM_MIN_OUTPUT_TOKENS", 64)?,
                input_nanos_per_million_tokens: price_or(
                    env,
                    "LLM_INPUT_NANOS_PER_MILLION_TOKENS",
                    150_000_000,
                )?,
                output_nanos_per_million_tokens: price_or(
                    env,
                    "LLM_OUTPUT_NANOS_PER_MILLION_TOKENS",
                    600_000_000,
                )?,
            },
            clocks: LlmClocks {
                connect: env.seconds_or("LLM_CONNECT_TIMEOUT_SECONDS", 5)?,
                first_token: env.seconds_or("LLM_FIRST_TOKEN_TIMEOUT_SECONDS", 30)?,
                idle: env.seconds_or("LLM_IDLE_TIMEOUT_SECONDS", 30)?,
                total: env.seconds_or("LLM_TOTAL_TIMEOUT_SECONDS", 600)?,
            },
        })
    }
}

/// At most a million dollars per million tokens, so that no product of price and tokens can overflow.
fn price_or(env: &Env, variable: &'static str, default: i64) -> Result<i64, ConfigError> {
    match env.parsed_or(variable, default)? {
        price @ 0..=1_000_000_000_000_000 => Ok(price),
        _ => Err(ConfigError { variable, problem: "must be between 0 and 1000000000000000".to_owned() }),
    }
}
