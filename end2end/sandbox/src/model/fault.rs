//! The faults that can be switched on. Each is a script, so that dice and tests break things in the same way.

use serde::{Deserialize, Serialize};

use crate::model::Api;
use crate::model::script::{NamedUsage, Script, UsageReport};

/// What can go wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fault {
    RateLimited,
    ServerError,
    Overloaded,
    Refused,
    FirstTokenStall,
    Cut,
    StreamError,
    MissingUsage,
    ZeroUsage,
    SlowDrip,
    SplitBytes,
    HugeFrame,
}

impl Fault {
    /// All faults, in the order they are offered.
    pub(crate) const ALL: [Self; 12] = [
        Self::RateLimited,
        Self::ServerError,
        Self::Overloaded,
        Self::Refused,
        Self::FirstTokenStall,
        Self::Cut,
        Self::StreamError,
        Self::MissingUsage,
        Self::ZeroUsage,
        Self::SlowDrip,
        Self::SplitBytes,
        Self::HugeFrame,
    ];

    /// The name in JSON and forms, and what happens.
    pub(crate) fn describe(self) -> (&'static str, &'static str) {
        match self {
            Self::RateLimited => ("rate_limited", "429, try again in a second"),
            Self::ServerError => ("server_error", "500"),
            Self::Overloaded => ("overloaded", "529 from Anthropic, 503 from OpenAI"),
            Self::Refused => ("refused", "connection closed without an answer"),
            Self::FirstTokenStall => ("first_token_stall", "headers, then silence"),
            Self::Cut => ("cut", "connection lost after 5 chunks"),
            Self::StreamError => ("stream_error", "error in the stream after 5 chunks"),
            Self::MissingUsage => ("missing_usage", "no token counts"),
            Self::ZeroUsage => ("zero_usage", "token counts of 0"),
            Self::SlowDrip => ("slow_drip", "a character every 300 ms"),
            Self::SplitBytes => ("split_bytes", "5 bytes at a time"),
            Self::HugeFrame => ("huge_frame", "a frame of 1 MiB"),
        }
    }

    /// The script that makes it happen.
    pub(crate) fn script(self, api: Api) -> Script {
        let script = Script::default();
        match self {
            Self::RateLimited => Script { status: Some(429), retry_after_seconds: Some(1), ..script },
            Self::ServerError => Script { status: Some(500), ..script },
            Self::Overloaded => Script { status: Some(api.overloaded_status()), ..script },
            Self::Refused => Script { refused: true, ..script },
            Self::FirstTokenStall => Script { stall_after_chunks: Some(0), ..script },
            Self::Cut => Script { cut_after_chunks: Some(5), ..script },
            Self::StreamError => Script { error_after_chunks: Some(5), ..script },
            Self::MissingUsage => Script { usage: UsageReport::Named(NamedUsage::Missing), ..script },
            Self::ZeroUsage => Script { usage: UsageReport::Named(NamedUsage::Zero), ..script },
            Self::SlowDrip => Script { chunk_chars: Some(1), gap_ms: Some(300), ..script },
            Self::SplitBytes => Script { split_bytes: Some(5), ..script },
            Self::HugeFrame => Script { frame_bytes: Some(1024 * 1024), ..script },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_those_of_the_wire_and_scripts_are_sound() {
        for fault in Fault::ALL {
            assert_eq!(json!(fault), json!(fault.describe().0));
            for api in [Api::Openai, Api::Anthropic] {
                assert_eq!(fault.script(api).check(), Ok(()), "{fault:?}");
            }
        }
    }

    #[test]
    fn overload_has_the_vendors_status() {
        let status = |api| Fault::Overloaded.script(api).status;
        assert_eq!([Api::Openai, Api::Anthropic].map(status), [Some(503), Some(529)]);
    }
}
