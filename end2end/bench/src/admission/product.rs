//! The product's own way: what a request goes through, without HTTP and without a model.

use std::future::pending;
use std::time::Instant;

use app::types::{AttemptOutcome, ClientRequestId, Prompt, ReplyRequest, ReplyState, ReplyTarget};
use chrono::Utc;
use server::output::Output;
use server::pricing::TokenUsage;
use server::store::Attempt;
use server::store::claims::NewGeneration;
use server::store::settlements::Settlement;
use server::{Admitted, AppState, Decision};
use uuid::Uuid;

use super::Served;
use super::people::Person;
use crate::Result;

pub struct Product {
    state: AppState,
}

impl Product {
    pub fn new(state: AppState) -> Self {
        Self { state }
    }

    pub async fn serve(&self, person: &Person) -> Result<Served> {
        let request = request()?;
        let begins = Instant::now();
        let admitted = self.admit(person, request).await?;
        let admission = begins.elapsed();
        let settlement = settlement(admitted.generation());
        let settled = self.state.generations().settle(&settlement, admitted.plan()).await;
        settled.ok_or("a reply was not settled")?;
        Ok(Served { admission, settlement: begins.elapsed() - admission })
    }

    async fn admit(&self, person: &Person, request: ReplyRequest) -> Result<Admitted> {
        let signed_in =
            self.state.authenticate(&person.session_token()).await?.ok_or("nobody is signed in")?;
        match self.state.generations().decide(signed_in.account_id, request, pending()).await? {
            Decision::Admitted(admitted) => Ok(*admitted),
            Decision::Repeated(_) => Err("a request was taken for another".into()),
            Decision::Refused(refusal) => Err(refusal.error.into()),
            Decision::Abandoned => Err("a request was abandoned".into()),
        }
    }
}

fn request() -> Result<ReplyRequest> {
    let prompt = Prompt::parse("How are you?")?;
    Ok(ReplyRequest {
        client_request_id: ClientRequestId(Uuid::now_v7()),
        target: ReplyTarget::NewThread { prompt },
        max_output_tokens: None,
        model: None,
    })
}

/// As if the model had answered with a few words at once.
fn settlement(new: &NewGeneration) -> Settlement {
    let usage = TokenUsage { input_tokens: 10, output_tokens: 5, ..TokenUsage::default() };
    let attempt = Attempt {
        route_key: "scripted-first".to_owned(),
        started_at: Utc::now(),
        first_token_ms: Some(50),
        duration_ms: 100,
        outcome: AttemptOutcome::Finished,
        usage: Some(usage),
        cost: usage.cost(new.hold.prices),
    };
    Settlement {
        generation_id: new.id,
        account_id: new.account_id,
        thread_id: new.thread.id,
        parent_id: new.parent.id,
        output: Output { text: "Well, thank you.".to_owned(), ..Output::default() },
        state: ReplyState::Finished,
        model: new.model.clone(),
        price_version: new.price_version,
        attempts: vec![attempt],
        usage,
        is_estimated: false,
        charged: usage.cost(new.hold.prices),
        plan_cap: new.plan_caps.monthly,
        overage_max: new.overage_max,
    }
}
