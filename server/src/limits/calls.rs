//! How often something may be asked for in a minute, besides replies, and by whom.

use std::net::IpAddr;

use app::types::{AccountId, LimitName};

use super::address::network;

/// What one caller may do in a minute.
#[derive(Clone, Copy, Debug)]
pub struct CallLimit {
    /// Part of the key: each has a window of its own.
    pub(super) name: &'static str,
    pub(super) per_minute: u32,
}

impl CallLimit {
    pub fn sign_in_starts(per_minute: u32) -> Self {
        Self { name: "sign-in-start", per_minute }
    }

    pub fn sign_in_callbacks(per_minute: u32) -> Self {
        Self { name: "sign-in-callback", per_minute }
    }

    pub fn browser_reports(per_minute: u32) -> Self {
        Self { name: "browser-report", per_minute }
    }

    pub fn mail_links(per_minute: u32) -> Self {
        Self { name: "mail-link", per_minute }
    }

    pub fn wrong_api_keys(per_minute: u32) -> Self {
        Self { name: "wrong-api-key", per_minute }
    }

    pub fn anonymous(per_minute: u32) -> Self {
        Self { name: "anonymous", per_minute }
    }

    pub fn account(per_minute: u32) -> Self {
        Self { name: "account", per_minute }
    }

    /// Of an account, by programs with its keys, but for answers.
    pub fn account_programs(per_minute: u32) -> Self {
        Self { name: "account-programs", per_minute }
    }

    /// Of an account, what Stripe is asked for.
    pub fn account_billing(per_minute: u32) -> Self {
        Self { name: "account-billing", per_minute }
    }
}

/// Whose calls are counted together.
#[derive(Clone, Copy, Debug)]
pub enum CallOrigin {
    /// Somebody unknown, by where they come from.
    Address(IpAddr),
    /// Somebody signed in: more sessions or addresses give nobody more.
    Account(AccountId),
}

impl CallOrigin {
    pub(super) fn key(self, limit: CallLimit) -> String {
        match self {
            Self::Address(address) => format!("address:{}:{}", limit.name, network(address)),
            Self::Account(id) => format!("calls:{}:{id}", limit.name),
        }
    }

    /// What people are told is reached.
    pub(super) fn limit_name(self) -> LimitName {
        match self {
            Self::Address(_) => LimitName::RequestsPerAddress,
            Self::Account(_) => LimitName::RequestsPerMinute,
        }
    }
}
