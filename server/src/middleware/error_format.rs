//! How whoever asks reads an error. Decided here for everything that answers a request before its handler does.

use app::ApiError;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::header::ACCEPT;

use crate::routes::error_page;
use crate::routes::v1::V1Error;

/// Those below `/api/` are called by pages; reports are sent by them, and nobody sees what is answered.
const CALLED_BY_PAGES: [&str; 2] = ["/api/", "/reports/"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorFormat {
    /// Somebody sees the answer as it comes.
    Page,
    /// As server functions send it.
    ServerFunction,
    /// As programs that speak OpenAI's API read it.
    OpenAi,
}

impl ErrorFormat {
    pub(crate) fn of(request: &Request) -> Self {
        let path = request.uri().path();
        let accepts = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok());
        // A form that is sent without JavaScript calls a server function, and shows what comes.
        let is_form = accepts.is_some_and(|accepts| accepts.contains("text/html"));
        if path.starts_with("/v1/") {
            Self::OpenAi
        } else if !is_form && CALLED_BY_PAGES.iter().any(|below| path.starts_with(below)) {
            Self::ServerFunction
        } else {
            Self::Page
        }
    }

    pub(crate) fn answer(self, error: ApiError, request_id: &str) -> Response {
        self.answer_or(error, |error| error_page::html(error, request_id))
    }

    /// The same with a page of its own words.
    pub(super) fn answer_or(self, error: ApiError, page: impl FnOnce(&ApiError) -> Response) -> Response {
        match self {
            Self::Page => page(&error),
            Self::ServerFunction => error_page::json(&error),
            Self::OpenAi => V1Error::from(error).into_response(),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use http::header::RETRY_AFTER;

    use super::*;

    fn format(path: &str, accept: Option<&str>) -> ErrorFormat {
        let request = accept
            .into_iter()
            .fold(Request::builder().uri(path), |request, accept| request.header(ACCEPT, accept));
        ErrorFormat::of(&request.body(Body::empty()).expect("a request"))
    }

    #[test]
    fn whoever_sees_the_answer_gets_a_page() {
        for accept in [None, Some("*/*"), Some("text/html")] {
            for path in ["/chat", "/auth/github/start", "/usage/replies.csv", "/v1", "/apiary"] {
                assert_eq!(format(path, accept), ErrorFormat::Page, "{path}");
            }
        }
        let form = Some("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8");
        assert_eq!(format("/api/chat/start_reply", form), ErrorFormat::Page, "a form without JavaScript");
    }

    #[test]
    fn whatever_a_script_of_ours_sends_is_answered_in_its_own_format() {
        for accept in [None, Some("*/*"), Some("application/json")] {
            for path in ["/api/chat/start_reply", "/reports/browser"] {
                assert_eq!(format(path, accept), ErrorFormat::ServerFunction, "{path}");
            }
        }
    }

    #[test]
    fn programs_are_told_in_openais_words_whatever_they_accept() {
        for accept in [None, Some("*/*"), Some("text/html")] {
            assert_eq!(format("/v1/models", accept), ErrorFormat::OpenAi);
        }
    }

    #[tokio::test]
    async fn each_format_has_the_same_status_says_when_to_try_again_and_what_happened() {
        for (format, sign) in [
            (ErrorFormat::Page, "<!doctype html>"),
            (ErrorFormat::ServerFunction, r#""type":"unavailable""#),
            (ErrorFormat::OpenAi, r#""type":"server_error""#),
        ] {
            let response = format.answer(ApiError::Unavailable { retry_after_seconds: 7 }, "");
            assert_eq!(
                (response.status().as_u16(), &response.headers()[RETRY_AFTER]),
                (503, &"7".parse().expect("a value"))
            );
            let body = to_bytes(response.into_body(), usize::MAX).await.expect("a body");
            assert!(String::from_utf8_lossy(&body).contains(sign), "{format:?}");
        }
    }
}
