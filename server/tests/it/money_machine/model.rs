//! The money of one account as it ought to be: a heap for each grant, of which some is free, some is set aside for a
//! reply and the rest is gone. Written for being obvious; the product's own arithmetic goes about it differently.

use std::collections::BTreeMap;

use app::types::GenerationId;
use chrono::{DateTime, TimeDelta, Utc};

use super::heap::Heap;
use super::state::{HoldState, State};
use super::step::{Outcome, Request, Step};

#[derive(Clone, Debug)]
struct Reply {
    held: i64,
    hold: &'static str,
    /// Nobody renews its hold any more.
    is_abandoned: bool,
    receipt: Option<Receipt>,
}

impl Reply {
    fn is_pending(&self) -> bool {
        self.hold == "pending"
    }
}

#[derive(Clone, Copy, Debug)]
struct Receipt {
    charged: i64,
    is_provisional: bool,
}

#[derive(Clone, Debug)]
pub struct Model {
    monthly: i64,
    month_ends_at: DateTime<Utc>,
    months_ended: usize,
    /// How many grants have ended.
    ended: i64,
    heaps: Vec<Heap>,
    requests: BTreeMap<Request, GenerationId>,
    replies: BTreeMap<GenerationId, Reply>,
    debt: i64,
    entries: BTreeMap<String, i64>,
}

impl Model {
    pub fn new(monthly: i64, month_ends_at: DateTime<Utc>) -> Self {
        Self {
            monthly,
            month_ends_at,
            months_ended: 0,
            ended: 0,
            heaps: Vec::new(),
            requests: BTreeMap::new(),
            replies: BTreeMap::new(),
            debt: 0,
            entries: BTreeMap::new(),
        }
    }

    pub fn apply(&mut self, step: &Step) -> Outcome {
        match step {
            Step::Claim { request, id, tokens, useful } => {
                self.claim(*request, *id, (*tokens).into(), (*useful).into())
            }
            Step::Keep { id } if self.is_kept(id) => Outcome::Renewed,
            Step::Keep { .. } => Outcome::HoldLost,
            Step::Settle { id, charged } => self.settle(*id, *charged),
            Step::Crash { id } if self.is_kept(id) => {
                self.reply(id).is_abandoned = true;
                Outcome::Done
            }
            Step::Sweep { id, charged } if self.reply(id).is_pending() => {
                self.open();
                self.charge(*id, *charged, true, "expired");
                Outcome::Done
            }
            Step::Give { grant, amount, expires_at } if !self.entries.contains_key(grant) => {
                self.open();
                self.give(grant.clone(), *amount, expires_at.unwrap_or(DateTime::<Utc>::MAX_UTC));
                Outcome::Done
            }
            Step::TakeBack { refund, grant, amount } if !self.entries.contains_key(refund) => {
                self.take_back(refund, grant, *amount);
                Outcome::Done
            }
            Step::EndGrant { grant } => self.end(grant),
            Step::EndMonth => {
                let ended = self.end(&self.month());
                self.months_ended += usize::from(ended == Outcome::Done);
                ended
            }
            Step::Open => {
                self.open();
                Outcome::Done
            }
            Step::Crash { .. } | Step::Sweep { .. } | Step::Give { .. } | Step::TakeBack { .. } => {
                Outcome::Nothing
            }
        }
    }

    fn claim(&mut self, request: Request, id: GenerationId, tokens: i64, useful: i64) -> Outcome {
        if let Some(id) = self.requests.get(&request) {
            return Outcome::Existing(*id);
        }
        let opened = self.as_read();
        let available = opened.available();
        if useful.min(tokens) > available {
            return Outcome::Refused { available, held: opened.held() };
        }
        *self = opened;
        let amount = tokens.min(available);
        let mut missing = amount;
        for heap in self.spending_order() {
            let heap = &mut self.heaps[heap];
            let part = if heap.has_ended { 0 } else { heap.free.min(missing) };
            if part > 0 {
                heap.free -= part;
                heap.set_aside.insert(id, part);
                missing -= part;
            }
        }
        self.requests.insert(request, id);
        self.replies.insert(id, Reply { held: amount, hold: "pending", is_abandoned: false, receipt: None });
        Outcome::Claimed { amount }
    }

    fn settle(&mut self, id: GenerationId, charged: i64) -> Outcome {
        let receipt = self.reply(&id).receipt;
        if receipt.is_some_and(|receipt| !receipt.is_provisional) {
            return Outcome::Nothing;
        }
        self.open();
        let Some(receipt) = receipt else {
            self.charge(id, charged, false, if charged > 0 { "posted" } else { "voided" });
            return Outcome::Charged;
        };
        self.correct(id, charged - receipt.charged);
        self.reply(&id).receipt = Some(Receipt { charged, is_provisional: false });
        Outcome::Corrected
    }

    /// Out of what is set aside for it first; the rest is owed.
    fn charge(&mut self, id: GenerationId, charged: i64, is_provisional: bool, hold: &'static str) {
        self.post(format!("generation:{id}"), -charged);
        let mut unpaid = charged;
        for heap in self.spending_order() {
            let heap = &mut self.heaps[heap];
            if let Some(part) = heap.set_aside.get_mut(&id) {
                let paid = unpaid.min(*part);
                *part -= paid;
                unpaid -= paid;
                heap.limit_reclaim();
            }
        }
        self.debt += unpaid;
        self.release(id);
        self.pay_debt();
        let reply = self.reply(&id);
        reply.hold = hold;
        reply.receipt = Some(Receipt { charged, is_provisional });
    }

    /// What was charged too much pays what is owed, then goes back to where it was spent last.
    fn correct(&mut self, id: GenerationId, difference: i64) {
        self.post(format!("generation:{id}:late"), -difference);
        self.debt += difference.max(0);
        let mut returned = (-difference).max(0);
        let forgiven = returned.min(self.debt);
        self.debt -= forgiven;
        returned -= forgiven;
        for heap in self.spending_order().into_iter().rev() {
            let heap = &mut self.heaps[heap];
            let part = heap.room().min(returned);
            heap.free += part;
            returned -= part;
        }
        self.post(format!("expiry:generation:{id}:late"), -returned);
        self.pay_debt();
    }

    fn give(&mut self, grant: String, amount: i64, ends_at: DateTime<Utc>) {
        self.post(grant.clone(), amount);
        self.heaps.push(Heap {
            grant,
            ends_at,
            has_ended: false,
            amount,
            free: amount,
            set_aside: BTreeMap::new(),
            reclaim: 0,
            taken_back: 0,
        });
        self.pay_debt();
    }

    fn take_back(&mut self, refund: &str, grant: &str, amount: i64) {
        let is_there = |heap: &&mut Heap| heap.grant == grant && (!heap.has_ended || heap.left() > 0);
        let grant = self.heaps.iter_mut().find(is_there).map(|heap| heap.grant.clone());
        self.open();
        let mut taken = 0;
        if let Some(heap) = self.heaps.iter_mut().find(|heap| Some(&heap.grant) == grant.as_ref()) {
            taken = amount.min(heap.free);
            heap.free -= taken;
            heap.reclaim += amount - taken;
            heap.taken_back = (heap.taken_back + amount).min(heap.amount);
            heap.limit_reclaim();
        }
        // Also when nothing is taken: the entry says that it was tried.
        self.entries.insert(refund.to_owned(), -taken);
    }

    fn end(&mut self, grant: &str) -> Outcome {
        match self.heaps.iter_mut().find(|heap| heap.grant == grant && !heap.has_ended) {
            Some(heap) => {
                heap.has_ended = true;
                heap.ends_at = DateTime::UNIX_EPOCH + TimeDelta::seconds(self.ended);
                self.ended += 1;
                Outcome::Done
            }
            None => Outcome::Nothing,
        }
    }

    /// What time has done: comes into the books whenever something else is written into them.
    fn open(&mut self) {
        for heap in 0..self.heaps.len() {
            if self.heaps[heap].has_ended {
                let gone = std::mem::take(&mut self.heaps[heap].free);
                self.heaps[heap].limit_reclaim();
                self.post(format!("expiry:{}", self.heaps[heap].grant), -gone);
            }
        }
        let lost = self.replies.iter().filter(|(_, reply)| reply.is_pending() && reply.is_abandoned);
        for id in lost.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.release(id);
        }
        self.pay_debt();
    }

    fn release(&mut self, id: GenerationId) {
        for heap in 0..self.heaps.len() {
            let heap = &mut self.heaps[heap];
            let Some(part) = heap.set_aside.remove(&id) else { continue };
            let (gone, why) =
                if heap.has_ended { (part, "expiry") } else { (heap.reclaim.min(part), "reclaim") };
            heap.free += part - gone;
            heap.reclaim -= gone;
            heap.limit_reclaim();
            let cause = format!("{why}:{}:{id}", heap.grant);
            self.post(cause, -gone);
        }
    }

    fn pay_debt(&mut self) {
        for heap in self.spending_order() {
            let heap = &mut self.heaps[heap];
            if !heap.has_ended {
                let paid = heap.free.min(self.debt);
                heap.free -= paid;
                self.debt -= paid;
                heap.limit_reclaim();
            }
        }
    }

    fn post(&mut self, cause: String, amount: i64) {
        if amount != 0 {
            let before = self.entries.insert(cause.clone(), amount);
            assert_eq!(before, None, "{cause} is posted twice in the model");
        }
    }

    /// With the month's credit, as somebody who looks sees it.
    fn as_read(&self) -> Self {
        let mut opened = self.clone();
        opened.open();
        let month = opened.month();
        if !opened.entries.contains_key(&month) {
            opened.give(month, self.monthly, self.month_ends_at);
        }
        opened
    }

    /// What is in the database, but for what is read with [`Self::as_read`].
    pub fn state(&self) -> State {
        let seen = self.as_read();
        State {
            available: seen.available(),
            held: seen.held(),
            balance: self.entries.values().sum(),
            entries: self.entries.clone(),
            grants: self.heaps.iter().map(|heap| (heap.grant.clone(), heap.state())).collect(),
            holds: self.replies.iter().map(|(id, reply)| (*id, self.hold_state(*id, reply))).collect(),
        }
    }

    fn hold_state(&self, id: GenerationId, reply: &Reply) -> HoldState {
        let parts = self
            .heaps
            .iter()
            .filter_map(|heap| heap.set_aside.get(&id).map(|part| (heap.grant.clone(), *part)));
        HoldState {
            amount: reply.held,
            state: reply.hold.to_owned(),
            allocations: parts.collect(),
            charged: reply.receipt.map(|receipt| receipt.charged),
        }
    }

    fn available(&self) -> i64 {
        self.heaps.iter().filter(|heap| !heap.has_ended).map(|heap| heap.free).sum::<i64>() - self.debt
    }

    fn held(&self) -> i64 {
        let counts = |reply: &&Reply| reply.is_pending() && !reply.is_abandoned;
        self.replies.values().filter(counts).map(|reply| reply.held).sum()
    }

    /// The soonest-ending first.
    fn spending_order(&self) -> Vec<usize> {
        let mut order: Vec<_> = (0..self.heaps.len()).collect();
        order.sort_by_key(|heap| (self.heaps[*heap].ends_at, *heap));
        order
    }

    fn month(&self) -> String {
        format!("month-{}", self.months_ended)
    }

    fn is_kept(&self, id: &GenerationId) -> bool {
        self.replies.get(id).is_some_and(|reply| reply.is_pending() && !reply.is_abandoned)
    }

    fn reply(&mut self, id: &GenerationId) -> &mut Reply {
        self.replies.get_mut(id).expect("claimed before")
    }
}
