//! A model provider that costs next to nothing: OpenAI-compatible, on a thread of its own, and says what the
//! [`Script`] in the prompt tells it to say.

use std::convert::Infallible;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::serve::ListenerExt;
use bytes::Bytes;
use futures::stream;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use tokio::time::{Instant, sleep_until};

use crate::script::{Script, stamped};
use crate::{Result, clock};

/// What OpenAI sends around each piece of text.
const BEFORE_TEXT: &str = r#"data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1790000000,"model":"scripted","choices":[{"index":0,"delta":{"content":""#;
const AFTER_TEXT: &str = "\"},\"finish_reason\":null}],\"usage\":null}\n\n";
const END: &str = concat!(
    r#"data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
    "\n\n",
    r#"data: {"choices":[],"usage":{"prompt_tokens":20,"completion_tokens":200}}"#,
    "\n\ndata: [DONE]\n\n",
);

/// The running provider.
pub struct Upstream {
    pub url: String,
    journeys: Journeys,
}

/// How long requests were on their way, in nanoseconds.
type Journeys = Arc<Mutex<Vec<u64>>>;

impl Upstream {
    pub fn start(port: u16) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        listener.set_nonblocking(true)?;
        let url = format!("http://{}", listener.local_addr()?);
        let journeys = Journeys::default();
        let router = Router::new().route("/v1/chat/completions", post(answer)).with_state(journeys.clone());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::spawn(move || {
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener)?;
                // Chunks must leave at once.
                let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap_or_default());
                axum::serve(listener, router).await
            })
        });
        Ok(Self { url, journeys })
    }

    /// How long the requests since the last call were on their way here, in nanoseconds.
    pub fn take_journeys(&self) -> Vec<u64> {
        std::mem::take(&mut *self.journeys.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn answer(State(journeys): State<Journeys>, body: Bytes) -> Response {
    let Some(script) = Script::find(&body) else { return StatusCode::BAD_REQUEST.into_response() };
    let journey = clock::now().saturating_sub(script.asked_at);
    journeys.lock().unwrap_or_else(PoisonError::into_inner).push(journey);
    let first_at = Instant::now() + script.first_after;
    let frames = stream::unfold(0, move |index| async move {
        let frame = if index < script.chunks {
            sleep_until(first_at + script.interval * index).await;
            Bytes::from([BEFORE_TEXT, &stamped(), AFTER_TEXT].concat())
        } else if index == script.chunks {
            Bytes::from_static(END.as_bytes())
        } else {
            return None;
        };
        Some((Ok::<_, Infallible>(frame), index + 1))
    });
    ([(CONTENT_TYPE, "text/event-stream")], Body::from_stream(frames)).into_response()
}
