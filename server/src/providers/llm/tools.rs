use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::pricing::estimate_tokens;

/// What the model may call instead of answering, or before it does.
#[derive(Clone, Debug, Default)]
pub struct Tools {
    pub functions: Vec<Function>,
    pub choice: ToolChoice,
    /// False: no more than one call at a time. None: as the provider has it.
    pub is_parallel: Option<bool>,
}

/// As OpenAI's format has it. <https://platform.openai.com/docs/guides/function-calling>
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Function {
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// A JSON Schema of an object, passed on as it was written: models read it in its order.
    pub parameters: Box<RawValue>,
    /// Arguments are to keep to the schema exactly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strict: Option<bool>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ToolChoice {
    /// The model decides.
    #[default]
    Auto,
    None,
    /// Any, but at least one.
    Required,
    /// This one.
    Function(String),
}

/// Anthropic tells its models beside the tools how to use them, in up to so many tokens.
/// <https://docs.claude.com/en/docs/agents-and-tools/tool-use/overview#pricing>
const MOST_TOKENS_AROUND_TOOLS: u32 = 530;

impl Tools {
    /// How many tokens the model reads of them, when nobody has counted.
    pub fn tokens(&self) -> u32 {
        if self.functions.is_empty() {
            return 0;
        }
        let written = serde_json::to_string(&self.functions).unwrap_or_default();
        estimate_tokens(&written).saturating_add(MOST_TOKENS_AROUND_TOOLS)
    }
}
