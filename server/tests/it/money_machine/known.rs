//! What there is of an account that a command can be about.

use app::types::{ClientRequestId, GenerationId};
use chrono::{TimeDelta, Utc};
use server::store::recovery::Abandoned;
use uuid::Uuid;

use super::command::{Command, Newest};
use super::step::{Request, Step};

/// In the order it came.
#[derive(Default)]
pub struct Known {
    requests: Vec<KnownRequest>,
    /// The steps that give them.
    grants: Vec<Step>,
    /// The steps that take back for them.
    refunds: Vec<Step>,
}

struct KnownRequest {
    id: ClientRequestId,
    tokens: u32,
    useful: u32,
    /// Once it is claimed.
    reply: Option<GenerationId>,
    /// As a sweeper has read it.
    abandoned: Option<Abandoned>,
}

impl Known {
    /// What the command comes to. None: there is nothing yet that it could be about.
    pub fn step(&mut self, command: &Command) -> Option<Step> {
        Some(match *command {
            Command::Claim { tokens, useful } => {
                let id = ClientRequestId(Uuid::now_v7());
                self.requests.push(KnownRequest { id, tokens, useful, reply: None, abandoned: None });
                self.claim(self.requests.len() - 1)
            }
            Command::ClaimAgain(nth) => self.claim(self.requests.len().checked_sub(nth + 1)?),
            Command::Keep(nth) => Step::Keep { id: self.reply(nth)? },
            Command::Settle { reply, charged } => Step::Settle { id: self.reply(reply)?, charged },
            Command::Crash(nth) => Step::Crash { id: self.reply(nth)? },
            // Of as many replies as there are to sweep.
            Command::Sweep { .. } => return None,
            Command::SweepLate { reply, charged } => {
                let id = newest(&self.requests, reply)?.abandoned.as_ref()?.id;
                Step::Sweep { id, charged }
            }
            Command::Give { amount, days } => {
                let expires_at = days.map(|days| Utc::now() + TimeDelta::days(days));
                let grant = format!("grant-{}", self.grants.len());
                add(&mut self.grants, Step::Give { grant, amount, expires_at })
            }
            Command::GiveAgain(nth) => newest(&self.grants, nth)?.clone(),
            Command::TakeBack { grant, amount } => {
                let refund = format!("refund-{}", self.refunds.len());
                let grant = self.grant(grant)?;
                add(&mut self.refunds, Step::TakeBack { refund, grant, amount })
            }
            Command::TakeBackAgain(nth) => newest(&self.refunds, nth)?.clone(),
            Command::EndGrant(nth) => Step::EndGrant { grant: self.grant(nth)? },
            Command::EndMonth => Step::EndMonth,
        })
    }

    /// Asks for a reply under a new id, as each attempt of a client does.
    fn claim(&self, request: Request) -> Step {
        self.claim_as(request, GenerationId(Uuid::now_v7()))
    }

    fn claim_as(&self, request: Request, id: GenerationId) -> Step {
        let KnownRequest { tokens, useful, .. } = self.requests[request];
        Step::Claim { request, id, tokens, useful }
    }

    /// The step in which this request was claimed as `reply`.
    pub fn claim_step(&self, request: ClientRequestId, reply: GenerationId) -> Step {
        let request = self.requests.iter().position(|known| known.id == request).expect("made before");
        self.claim_as(request, reply)
    }

    /// The step that gave this grant, or took back for this refund.
    pub fn step_of(&self, name: &str) -> Step {
        let is_of = |step: &&Step| match step {
            Step::Give { grant, .. } => grant == name,
            Step::TakeBack { refund, .. } => refund == name,
            _ => false,
        };
        self.grants.iter().chain(&self.refunds).find(is_of).expect("made before").clone()
    }

    pub fn request_id(&self, request: Request) -> ClientRequestId {
        self.requests[request].id
    }

    pub fn replies(&self) -> Vec<GenerationId> {
        self.requests.iter().filter_map(|request| request.reply).collect()
    }

    pub fn note_reply(&mut self, request: Request, reply: GenerationId) {
        self.requests[request].reply = Some(reply);
    }

    pub fn note_abandoned(&mut self, abandoned: Abandoned) {
        let id = abandoned.client_request_id;
        let request = self.requests.iter_mut().find(|known| known.id == id).expect("made before");
        request.abandoned = Some(abandoned);
    }

    pub fn abandoned(&self, id: GenerationId) -> Abandoned {
        let mut read = self.requests.iter().filter_map(|request| request.abandoned.as_ref());
        read.find(|abandoned| abandoned.id == id).expect("swept before").clone()
    }

    fn reply(&self, nth: Newest) -> Option<GenerationId> {
        newest(&self.requests, nth)?.reply
    }

    fn grant(&self, nth: Newest) -> Option<String> {
        match newest(&self.grants, nth)? {
            Step::Give { grant, .. } => Some(grant.clone()),
            _ => None,
        }
    }
}

fn newest<T>(known: &[T], nth: Newest) -> Option<&T> {
    known.iter().rev().nth(nth)
}

fn add(steps: &mut Vec<Step>, step: Step) -> Step {
    steps.push(step.clone());
    step
}
