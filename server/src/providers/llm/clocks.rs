//! The clocks of an answer: to the first piece of text, between two pieces, and in all.

use std::time::Duration;

use app::ModelFailure;
use futures::{StreamExt, stream};
use tokio::time::{Instant, timeout_at};

use super::{CompletionEvent, CompletionRequest, CompletionStream, LlmError, LlmProvider, Upstream};
use crate::config::LlmClocks;

/// The provider's answer, ended by an error when a clock runs out. A slow answer that keeps coming outlives the idle
/// clock; none outlives `ends_at`.
pub async fn with_clocks(
    provider: &dyn LlmProvider,
    upstream: &Upstream,
    request: CompletionRequest,
    clocks: LlmClocks,
    ends_at: Instant,
) -> CompletionStream {
    let first_token = upstream.first_token.unwrap_or(clocks.first_token);
    let first_token_at = (Instant::now() + first_token).min(ends_at);
    let answer = match timeout_at(first_token_at, provider.stream(upstream, request)).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => return stream::iter([Err(error)]).boxed(),
        Err(_) => return stream::iter([Err(no_first_token())]).boxed(),
    };
    let state =
        Clocked { answer, ends_at, silent_until: first_token_at, idle: clocks.idle, has_begun: false };
    stream::unfold(Some(state), |state| async move { state?.next().await }).boxed()
}

struct Clocked {
    answer: CompletionStream,
    ends_at: Instant,
    /// Something must have been said by then.
    silent_until: Instant,
    idle: Duration,
    has_begun: bool,
}

impl Clocked {
    async fn next(mut self) -> Option<(Result<CompletionEvent, LlmError>, Option<Self>)> {
        match timeout_at(self.silent_until.min(self.ends_at), self.answer.next()).await {
            // Who answers, and what it has read, has not said anything yet.
            Ok(Some(Ok(event @ (CompletionEvent::Model(_) | CompletionEvent::Usage(_))))) => {
                Some((Ok(event), Some(self)))
            }
            Ok(Some(Ok(event))) => {
                self.silent_until = Instant::now() + self.idle;
                self.has_begun = true;
                Some((Ok(event), Some(self)))
            }
            Ok(Some(Err(error))) => Some((Err(error), None)),
            Ok(None) => None,
            Err(_) => Some((Err(self.ran_out()), None)),
        }
    }

    fn ran_out(&self) -> LlmError {
        if !self.has_begun {
            return no_first_token();
        }
        let clock = if Instant::now() >= self.ends_at { "total" } else { "idle" };
        LlmError::new(ModelFailure::Interrupted, format!("the {clock} clock ran out"))
    }
}

fn no_first_token() -> LlmError {
    LlmError::new(ModelFailure::NoFirstToken, "the first token clock ran out")
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;
    use crate::providers::llm::{Sampling, Tools};

    /// Says a word after each of the given pauses.
    struct Paced(Vec<Duration>);

    #[async_trait]
    impl LlmProvider for Paced {
        async fn stream(&self, _: &Upstream, _: CompletionRequest) -> Result<CompletionStream, LlmError> {
            let words = stream::iter(self.0.clone()).then(|pause| async move {
                tokio::time::sleep(pause).await;
                Ok(CompletionEvent::Text("word ".to_owned()))
            });
            Ok(words.boxed())
        }
    }

    async fn listen(pauses_seconds: &[u64]) -> Vec<Result<CompletionEvent, LlmError>> {
        listen_to(None, pauses_seconds).await
    }

    /// To a model that may be given a first token clock of its own.
    async fn listen_to(
        first_token: Option<Duration>,
        pauses_seconds: &[u64],
    ) -> Vec<Result<CompletionEvent, LlmError>> {
        let seconds = Duration::from_secs;
        let clocks =
            LlmClocks { connect: seconds(1), first_token: seconds(10), idle: seconds(5), total: seconds(61) };
        let request = CompletionRequest {
            instructions: None,
            turns: vec![],
            max_output_tokens: 1,
            sampling: Sampling::default(),
            tools: Tools::default(),
            json: None,
        };
        let base_url = "http://localhost".parse().expect("a URL");
        let upstream = Upstream {
            format: crate::config::WireFormat::Openai,
            base_url,
            model: String::new(),
            api_key: String::new().into(),
            output_cap_field: crate::config::OutputCapField::MaxTokens,
            usage_in_stream: true,
            takes_sampling: true,
            first_token,
        };
        let pauses = pauses_seconds.iter().copied().map(seconds).collect();
        let ends_at = Instant::now() + clocks.total;
        with_clocks(&Paced(pauses), &upstream, request, clocks, ends_at).await.collect().await
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_answer_that_keeps_coming_outlives_the_idle_clock() {
        let events = listen(&[9, 4, 4, 4, 4, 4]).await;
        assert!(events.iter().all(Result::is_ok));
        assert_eq!(events.len(), 6);
    }

    #[tokio::test(start_paused = true)]
    async fn silence_in_mid_answer_ends_it_after_what_was_said() {
        let events = listen(&[1, 6, 1]).await;
        assert_eq!(events.len(), 2);
        assert_eq!(events[1].as_ref().expect_err("silent").failure, ModelFailure::Interrupted);
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_first_token_ends_the_wait() {
        let events = listen(&[11]).await;
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].as_ref().expect_err("late").failure, ModelFailure::NoFirstToken);
    }

    #[tokio::test(start_paused = true)]
    async fn a_model_that_thinks_for_long_may_be_given_more_time() {
        let events = listen_to(Some(Duration::from_secs(20)), &[11]).await;
        assert!(events.iter().all(Result::is_ok));
    }

    #[tokio::test(start_paused = true)]
    async fn no_answer_outlives_the_total_clock() {
        let events = listen(&[4; 30]).await;
        assert_eq!(events.len(), 16);
        assert!(events[15].is_err());
    }
}
