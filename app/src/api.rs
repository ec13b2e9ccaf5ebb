//! The door to the server: one trait an area says what the UI needs, and two-line server functions call it.

mod account;
pub mod admin;
mod api_keys;
mod billing;
mod caps;
mod chat;
#[cfg(feature = "ssr")]
mod content;
mod erasure;
mod notices;
mod quota;
mod usage;

pub use account::{
    EndVisit, ListSessions, ListSignInMethods, ReadUser, RevokeSession, SignOut, SignOutEverywhere,
    end_visit, list_sessions, list_sign_in_methods, read_user, revoke_session, sign_out, sign_out_everywhere,
};
pub use api_keys::{
    CreateApiKey, ListApiKeys, PostedApiKey, RevokeApiKey, create_api_key, list_api_keys, revoke_api_key,
};
pub use billing::{
    BeginCheckout, BuyPack, CancelSubscription, ChangePlan, FinishCheckout, ListOffers, OpenPortal,
    ReadBilling, ReadStanding, ResumeSubscription, SetOverageCap, StopOverage, begin_checkout, buy_pack,
    cancel_subscription, change_plan, finish_checkout, list_offers, open_portal, read_billing, read_standing,
    resume_subscription, set_overage_cap, stop_overage,
};
pub use caps::{
    DismissAlerts, ReadThreadSpending, RemoveCap, SetCap, UsePlanCap, dismiss_alerts, read_thread_spending,
    remove_cap, set_cap, use_plan_cap,
};
pub use chat::{
    DeleteThread, FollowReply, ListModels, ListOlderThreads, ListThreads, RateReply, ReadThread,
    RenameThread, RestoreThread, SearchThreads, ShowVersion, StartReply, StopReply, TakeRatingBack,
    delete_thread, follow_reply, list_models, list_older_threads, list_threads, rate_reply, read_thread,
    rename_thread, restore_thread, search_threads, show_version, start_reply, stop_reply, take_rating_back,
};
pub use erasure::{
    ReadErasure, RequestErasure, WithdrawErasure, read_erasure, request_erasure, withdraw_erasure,
};
pub use notices::{
    DismissNotice, ListNotices, ReadMailSettings, SwitchMail, dismiss_notice, list_notices,
    read_mail_settings, switch_mail,
};
pub use quota::{ListPlans, ReadQuota, list_plans, read_quota};
pub use usage::{
    ListReplies, ReadReceipt, ReadStatement, SummarizeUsage, list_replies, read_receipt, read_statement,
    summarize_usage,
};

#[cfg(feature = "ssr")]
pub use self::{
    account::AccountApi, api_keys::ApiKeysApi, billing::BillingApi, billing::CheckoutItem, billing::NextUrl,
    caps::CapsApi, caps::parse_limit, chat::ChatApi, chat::ReplyStream, content::Content,
    erasure::ErasureApi, notices::NoticesApi, quota::QuotaApi, server_side::Backend, usage::UsageApi,
};
#[cfg(feature = "ssr")]
pub(crate) use server_side::set_error_status;
#[cfg(feature = "ssr")]
use server_side::{answer, call, send, set_quota_headers, set_stream_headers};

#[cfg(feature = "ssr")]
mod server_side {
    use std::sync::Arc;

    use http::{HeaderName, HeaderValue, Method, StatusCode, header};
    use leptos::prelude::{expect_context, use_context};
    use leptos_axum::ResponseOptions;

    use super::admin::AdminBackend;
    use super::{
        AccountApi, ApiKeysApi, BillingApi, CapsApi, ChatApi, Content, ErasureApi, NoticesApi, QuotaApi,
        UsageApi,
    };
    use crate::types::{Actor, Limit, LimitName, Quota, SiteLinks};
    use crate::{ApiError, ApiResult};

    /// When to ask again what operators have turned off: they say when it is on again, so it is a guess.
    const SWITCHED_OFF_SECONDS: u32 = 120;

    /// What the server provides to pages and server functions, carried by Leptos context.
    #[derive(Clone)]
    pub struct Backend {
        pub account: Arc<dyn AccountApi>,
        pub admin: AdminBackend,
        pub api_keys: Arc<dyn ApiKeysApi>,
        pub billing: Arc<dyn BillingApi>,
        pub caps: Arc<dyn CapsApi>,
        pub chat: Arc<dyn ChatApi>,
        pub erasure: Arc<dyn ErasureApi>,
        pub links: SiteLinks,
        pub notices: Arc<dyn NoticesApi>,
        pub quota: Arc<dyn QuotaApi>,
        pub usage: Arc<dyn UsageApi>,
    }

    /// The backend and who is asking.
    ///
    /// # Errors
    /// Outside a request: while the list of routes is made at start-up, pages are rendered once without either.
    pub(super) fn call() -> ApiResult<(Backend, Actor)> {
        let backend = use_context::<Backend>().ok_or(ApiError::Connection)?;
        let parts = use_context::<http::request::Parts>().ok_or(ApiError::Connection)?;
        Ok((backend, parts.extensions.get::<Actor>().cloned().unwrap_or_default()))
    }

    /// Gives an error its status and headers, and keeps what people write from an operator who looks at the product as
    /// somebody else.
    pub(super) fn answer<T: Content>(result: ApiResult<T>) -> ApiResult<T> {
        let answer = send(result)?;
        let is_person = call()?.1.impersonator().is_none();
        Ok(if is_person { answer } else { answer.without_content() })
    }

    /// Gives an error its status and headers: the one place where that is decided.
    pub(super) fn send<T>(result: ApiResult<T>) -> ApiResult<T> {
        if let Err(error) = &result {
            set_error_status(error);
        }
        result
    }

    /// The same for an error that arises before the server function is reached.
    pub(crate) fn set_error_status(error: &ApiError) {
        let Some(response) = use_context::<ResponseOptions>() else { return };
        // For the line in which the server says how it answered.
        tracing::Span::current().record("error.code", error.code());
        if is_plain_form() {
            return;
        }
        response.set_status(error.status());
        if let Some(seconds) = error.retry_after_seconds() {
            response.insert_header(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let ApiError::LimitReached { limit, .. } = error {
            set_limit_headers(&response, std::slice::from_ref(limit));
        }
    }

    /// A form sent without JavaScript leads back to its page, which shows the error; a status would end there.
    fn is_plain_form() -> bool {
        use_context::<http::request::Parts>().is_some_and(|parts| {
            let accepts = parts.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
            parts.method == Method::POST && accepts.is_some_and(|accepts| accepts.contains("text/html"))
        })
    }

    /// `RateLimit` and `RateLimit-Policy`, as in draft-ietf-httpapi-ratelimit-headers-10.
    pub(super) fn set_quota_headers(quota: &Quota) {
        set_limit_headers(&expect_context::<ResponseOptions>(), &quota.limits);
    }

    /// Each word is to arrive at once, so nothing on the way may collect or keep it.
    /// <https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_buffering>
    pub(super) fn set_stream_headers() {
        let response = expect_context::<ResponseOptions>();
        response.insert_header(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        response.insert_header(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    }

    fn set_limit_headers(response: &ResponseOptions, limits: &[Limit]) {
        for (name, item) in
            [("ratelimit", remaining_item as fn(&Limit) -> String), ("ratelimit-policy", policy_item)]
        {
            let text = limits.iter().map(item).collect::<Vec<_>>().join(", ");
            if let Ok(value) = HeaderValue::from_str(&text) {
                response.insert_header(HeaderName::from_static(name), value);
            }
        }
    }

    fn remaining_item(limit: &Limit) -> String {
        let (name, remaining) = (policy_name(limit.name), limit.remaining);
        match limit.resets_at {
            Some(time) => {
                let seconds = (time - chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now()))
                    .num_seconds();
                format!("\"{name}\";r={remaining};t={}", seconds.max(0) + 1)
            }
            None => format!("\"{name}\";r={remaining}"),
        }
    }

    fn policy_item(limit: &Limit) -> String {
        let (name, most) = (policy_name(limit.name), limit.limit);
        match limit.name {
            LimitName::ConcurrentReplies | LimitName::WaitingRequests => {
                format!("\"{name}\";q={most};qu=\"concurrent-requests\"")
            }
            LimitName::RequestsPerMinute | LimitName::RequestsPerAddress => {
                format!("\"{name}\";q={most};w=60")
            }
            LimitName::RequestsPerDay => format!("\"{name}\";q={most};w=86400"),
            LimitName::TokensPerMinute => format!("\"{name}\";q={most};qu=\"tokens\";w=60"),
        }
    }

    fn policy_name(name: LimitName) -> &'static str {
        match name {
            LimitName::ConcurrentReplies => "concurrent",
            LimitName::RequestsPerMinute => "minute",
            LimitName::RequestsPerDay => "day",
            LimitName::TokensPerMinute => "tokens",
            LimitName::RequestsPerAddress => "address",
            LimitName::WaitingRequests => "waiting",
        }
    }

    impl ApiError {
        /// The HTTP status this error is sent with.
        pub fn status(&self) -> StatusCode {
            match self {
                Self::SignInRequired => StatusCode::UNAUTHORIZED,
                Self::NotFound => StatusCode::NOT_FOUND,
                Self::ReadOnly | Self::Suspended => StatusCode::FORBIDDEN,
                Self::Invalid { .. } => StatusCode::BAD_REQUEST,
                Self::LimitReached { .. } => StatusCode::TOO_MANY_REQUESTS,
                Self::OutOfCredit { .. }
                | Self::CapReached { .. }
                | Self::Frozen { .. }
                | Self::PaymentRefused { .. } => StatusCode::PAYMENT_REQUIRED,
                Self::Paused { .. } | Self::Maintenance | Self::ChangesPaused | Self::Unavailable { .. } => {
                    StatusCode::SERVICE_UNAVAILABLE
                }
                Self::Model { .. } => StatusCode::BAD_GATEWAY,
                Self::Internal { .. } | Self::Connection => StatusCode::INTERNAL_SERVER_ERROR,
            }
        }

        /// When to ask again, for the `Retry-After` header.
        pub fn retry_after_seconds(&self) -> Option<u32> {
            match self {
                Self::LimitReached { retry_after_seconds, .. }
                | Self::Paused { retry_after_seconds }
                | Self::Unavailable { retry_after_seconds } => Some(*retry_after_seconds),
                Self::Maintenance | Self::ChangesPaused => Some(SWITCHED_OFF_SECONDS),
                _ => None,
            }
        }
    }
}
