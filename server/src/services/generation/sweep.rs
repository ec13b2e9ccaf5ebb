//! Replies whose process has died: what was said is saved, what was used is paid, what was held is free.

use app::types::{ChatEventKind, GenerationId, Plan, ReplyState};

use super::{GenerationService, traced};
use crate::AppResult;
use crate::pricing::{TokenUsage, estimate_tokens};
use crate::store::recovery::{self, Abandoned};
use crate::store::settlements::{self, Settlement};

/// One sweep ends at most this many; the next goes on.
const BATCH: i64 = 100;

/// What a reply has shown.
#[derive(Default)]
struct Said {
    text: String,
    reasoning: String,
}

impl GenerationService {
    /// Ends replies whose hold has expired, which a living process would have renewed; returns how many.
    pub(crate) async fn sweep(&self) -> AppResult<usize> {
        let abandoned = recovery::list_abandoned(&mut *self.db.get().await?, BATCH).await?;
        for reply in &abandoned {
            let plan = self.plans.of_account(&*self.db.get().await?, reply.account_id).await?.plan;
            let settlement = self.recover(reply, &plan).await;
            let span = traced::sweep(&settlement, reply.traceparent.as_deref());
            let sweep = async { settlements::sweep(&mut *self.db.get().await?, &settlement).await };
            if !span.around(sweep).await? {
                let id = reply.id;
                tracing::info!(generation.id = %id, "Reply `{id}` was settled before the sweep: nothing is posted");
            }
            let tokens = settlement.usage.total();
            self.limiter.finish(reply.account_id, reply.client_request_id, tokens, &plan).await;
        }
        Ok(abandoned.len())
    }

    /// The stream log goes further than the last checkpoint, unless Redis was lost.
    async fn recover(&self, reply: &Abandoned, plan: &Plan) -> Settlement {
        let Said { mut text, reasoning } = self.logged(reply.id).await;
        if text.len() < reply.checkpoint_text.len() {
            text.clone_from(&reply.checkpoint_text);
        }
        let reasoning_tokens = estimate_tokens(&reasoning);
        let usage = match text.is_empty() && reasoning.is_empty() {
            true => TokenUsage::default(),
            false => TokenUsage {
                input_tokens: reply.estimated_input_tokens,
                output_tokens: estimate_tokens(&text) + reasoning_tokens,
                reasoning_tokens,
                ..TokenUsage::default()
            },
        };
        Settlement {
            generation_id: reply.id,
            account_id: reply.account_id,
            thread_id: reply.thread_id,
            parent_id: reply.parent_id,
            content: text,
            reasoning,
            state: ReplyState::Interrupted,
            model: reply.model.clone(),
            price_version: reply.price_version,
            attempts: Vec::new(),
            usage,
            is_estimated: true,
            charged: reply.prices.charge(usage),
            plan_cap: plan.monthly_cap,
            overage_max: plan.overage_max,
        }
    }

    async fn logged(&self, id: GenerationId) -> Said {
        let page = self.log.read(id, 0).await.unwrap_or_default();
        let mut said = Said::default();
        for event in page.events {
            match event.kind {
                ChatEventKind::Text { text } => said.text.push_str(&text),
                ChatEventKind::Reasoning { text } => said.reasoning.push_str(&text),
                _ => {}
            }
        }
        said
    }
}
