//! Replies whose process has died: what was said is saved, what was used is paid, what was held is free.

use std::ops::DerefMut;

use app::types::{AttemptOutcome, ChatEvent, ModelPrices, Nanos, Plan, ReplyState};
use chrono::TimeDelta;

use super::{GenerationService, HOLD_TTL, traced};
use crate::AppResult;
use crate::output::Output;
use crate::pricing::{HoldRequest, TokenUsage, estimate_output};
use crate::store::recovery::{self, Abandoned, BegunAttempt};
use crate::store::settlements::{self, Settlement};
use crate::store::{Attempt, Connection};

/// Replies are looked up so many at a time.
const BATCH: usize = 100;

/// A stream log that cannot be read is waited for so long after the hold has expired. It goes further than the last
/// checkpoint, and Redis is seldom away for longer.
const WAIT_FOR_LOG: TimeDelta = TimeDelta::minutes(2);

impl GenerationService {
    /// Ends replies whose hold has expired, which a living process would have renewed; returns how many. One that cannot be
    /// ended is left to the next sweep and keeps nobody else waiting.
    pub(crate) async fn sweep(&self) -> AppResult<usize> {
        let (mut ended, mut last) = (0, None::<Abandoned>);
        loop {
            let abandoned =
                recovery::list_abandoned(&mut *self.db.get().await?, last.as_ref(), BATCH).await?;
            for reply in &abandoned {
                let Some(logged) = self.logged(reply).await else { continue };
                // While the database is away, none can be ended.
                let conn = self.db.get().await?;
                match self.end_abandoned(conn, reply, logged).await {
                    Ok(()) => ended += 1,
                    Err(error) => {
                        tracing::warn!(generation.id = %reply.id, %error, "A reply cannot be swept; it is tried again")
                    }
                }
            }
            let is_all = abandoned.len() < BATCH;
            last = abandoned.into_iter().next_back();
            if is_all {
                return Ok(ended);
            }
        }
    }

    async fn end_abandoned(
        &self,
        mut conn: impl DerefMut<Target = Connection>,
        reply: &Abandoned,
        logged: Output,
    ) -> AppResult<()> {
        let plan = self.plans.of_account(&conn, reply.account_id).await?.plan;
        let costs = match &reply.checkpoint.attempt {
            Some(attempt) => recovery::costs_of_route(&mut conn, &attempt.route_key).await?,
            None => None,
        };
        let settlement = recover(reply, logged, costs, &plan);
        let span = traced::sweep(&settlement, reply.traceparent.as_deref());
        if !span.around(settlements::sweep(&mut conn, &settlement)).await? {
            let id = reply.id;
            tracing::info!(generation.id = %id, "Reply `{id}` was settled before the sweep: nothing is posted");
        }
        drop(conn);
        self.limiter.finish(reply.account_id, reply.id, settlement.used_tokens(), &plan).await;
        Ok(())
    }

    /// What is in the stream log. None: that cannot be said yet.
    async fn logged(&self, reply: &Abandoned) -> Option<Output> {
        let id = reply.id;
        match self.log.read(id, 0).await {
            Ok(page) => Some(spoken(&page.events)),
            Err(error) if reply.overdue < WAIT_FOR_LOG => {
                tracing::warn!(generation.id = %id, %error, "The sweep of reply `{id}` waits for its stream log");
                None
            }
            Err(error) => {
                tracing::warn!(generation.id = %id, %error, "Reply `{id}` is swept without its stream log");
                Some(Output::default())
            }
        }
    }
}

/// The stream log goes further than the last checkpoint, unless it was lost.
fn recover(reply: &Abandoned, logged: Output, costs: Option<ModelPrices>, plan: &Plan) -> Settlement {
    let checkpoint = &reply.checkpoint;
    let output = logged.or_longer(&checkpoint.output);
    // What the provider had counted by the checkpoint is the count of the output only if nothing was said after it.
    let is_all = !output.is_empty() && output.bytes() == checkpoint.output.bytes();
    let counted = checkpoint.usage.filter(|_| is_all);
    let usage = counted.unwrap_or_else(|| estimate(reply, &output));
    let attempt = checkpoint.attempt.as_ref().map(|begun| cut_off(begun, reply, usage, costs));
    Settlement {
        generation_id: reply.id,
        account_id: reply.account_id,
        thread_id: reply.thread_id,
        parent_id: reply.parent_id,
        output,
        state: ReplyState::Interrupted,
        model: reply.model.clone(),
        price_version: reply.price_version,
        attempts: attempt.into_iter().collect(),
        usage,
        is_estimated: counted.is_none(),
        charged: usage.cost(reply.prices),
        plan_cap: plan.monthly_cap,
        overage_max: plan.overage_max,
    }
}

/// Nothing, when nothing was said. Nobody pays more by our count than was set aside.
fn estimate(reply: &Abandoned, output: &Output) -> TokenUsage {
    if output.is_empty() {
        return TokenUsage::default();
    }
    let input_tokens = reply.estimated_input_tokens;
    let hold = HoldRequest {
        prices: reply.prices,
        input_tokens,
        output_tokens: estimate_output(output, u32::MAX).output_tokens,
        min_output_tokens: 0,
    };
    let most_output_tokens = hold.fit(reply.held).map_or(0, |terms| terms.output_tokens);
    TokenUsage { input_tokens, ..estimate_output(output, most_output_tokens) }
}

/// The attempt that was under way, up to the last sign of life. Earlier ones came to nothing and are not known any more.
fn cut_off(
    begun: &BegunAttempt,
    reply: &Abandoned,
    usage: TokenUsage,
    costs: Option<ModelPrices>,
) -> Attempt {
    let lasted = (reply.expired_at - HOLD_TTL - begun.started_at).num_milliseconds();
    Attempt {
        route_key: begun.route_key.clone(),
        started_at: begun.started_at,
        first_token_ms: None,
        duration_ms: u32::try_from(lasted).unwrap_or(0),
        outcome: AttemptOutcome::CutOff,
        usage: (usage.total() > 0).then_some(usage),
        cost: costs.map_or(Nanos::ZERO, |costs| usage.cost(costs)),
    }
}

fn spoken(events: &[ChatEvent]) -> Output {
    let mut output = Output::default();
    events.iter().for_each(|event| output.push(&event.kind));
    output
}
