use super::{ConfigError, Env};

/// What is logged, and how it looks.
#[derive(Clone, Debug)]
pub struct LogConfig {
    /// Read from `LOG_FORMAT`: `json` or `text`. Default `json`.
    pub format: LogFormat,
    /// Read from `RUST_LOG`, in the syntax of tracing-subscriber's `EnvFilter`. Default `info`.
    pub filter: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line, for machines.
    Json,
    /// Coloured lines, for people.
    Text,
}

impl LogConfig {
    pub fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let format = match env.text_or("LOG_FORMAT", "json").as_str() {
            "json" => LogFormat::Json,
            "text" => LogFormat::Text,
            _ => {
                return Err(ConfigError {
                    variable: "LOG_FORMAT",
                    problem: "must be json or text".to_owned(),
                });
            }
        };
        Ok(Self { format, filter: env.text_or("RUST_LOG", "info") })
    }
}
