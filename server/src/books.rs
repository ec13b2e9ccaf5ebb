//! The books of one account: what was given, what is set aside for replies, what is left. Only arithmetic, in integers;
//! the store reads the books, and writes down what has changed in them only while nobody else has changed them.
//!
//! Three rules hold after every step. What grants have left, less the deficit, is the balance. What a hold may spend of
//! a grant is there until the hold ends, whatever expires or is taken back meanwhile. And while there is a deficit,
//! nothing is free.

mod overage;

use std::fmt;

use app::types::{AccountId, Credit, GenerationId, Nanos};
use chrono::{DateTime, Datelike, TimeZone, Utc};
use uuid::Uuid;

pub use self::overage::{Metered, Overage};

/// Why an entry is posted: unique, so nothing is posted twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The plan's credit for a month.
    Monthly(AccountId, String),
    /// What a reply cost.
    Generation(GenerationId),
    /// The difference, where a reply was settled after it had been given up.
    LateGeneration(GenerationId),
    /// What a grant had left, free, at its end.
    Expiry(Uuid),
    /// What a hold had set aside of a grant that has ended since.
    ExpiryAfter(Uuid, GenerationId),
    /// What a hold had set aside of a grant that has been taken back since.
    ReclaimAfter(Uuid, GenerationId),
    /// What a late correction gave back to credit that has ended or been taken back since.
    ExpiryOfCorrection(GenerationId),
    /// What of a reply's cost is beyond credit, and paid with the next invoice instead.
    Overage(GenerationId),
    /// The same of a late difference.
    LateOverage(GenerationId),
    /// Of a payment, a refund, an operator.
    Other(String),
}

impl Cause {
    /// The credit of the calendar month, in UTC.
    pub fn monthly(account_id: AccountId, at: DateTime<Utc>) -> Self {
        Self::Monthly(account_id, at.format("%Y-%m").to_string())
    }
}

/// As stored.
impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Monthly(account_id, month) => write!(f, "free:{account_id}:{month}"),
            Self::Generation(id) => write!(f, "generation:{id}"),
            Self::LateGeneration(id) => write!(f, "generation:{id}:late"),
            Self::Expiry(grant_id) => write!(f, "expiry:{grant_id}"),
            Self::ExpiryAfter(grant_id, id) => write!(f, "expiry:{grant_id}:{id}"),
            Self::ReclaimAfter(grant_id, id) => write!(f, "reclaim:{grant_id}:{id}"),
            Self::ExpiryOfCorrection(id) => write!(f, "expiry:generation:{id}:late"),
            Self::Overage(id) => write!(f, "overage:{id}"),
            Self::LateOverage(id) => write!(f, "overage:{id}:late"),
            Self::Other(cause) => f.write_str(cause),
        }
    }
}

/// Credit that was given once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub id: Uuid,
    pub cause: String,
    pub amount: Nanos,
    /// Not spent, not expired, not taken back; what holds have set aside is still in it.
    pub remaining: Nanos,
    /// To be taken back as soon as no hold has it set aside.
    pub reclaim: Nanos,
    /// So much was asked back in all, whether or not it was spent already: it does not come back with what a reply did
    /// not cost.
    pub taken_back: Nanos,
    /// What was in it when the period began, or when it was given since; less what went meanwhile without being spent.
    pub opening: Nanos,
    /// When that was.
    pub opened_at: DateTime<Utc>,
    /// None: never.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Money set aside for a reply being written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    pub id: GenerationId,
    pub amount: Nanos,
    /// What of the amount is beyond credit: the rest is allocated.
    pub overage: Nanos,
    pub expires_at: DateTime<Utc>,
    pub allocations: Vec<Allocation>,
}

/// What a hold may spend of a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allocation {
    pub grant_id: Uuid,
    pub amount: Nanos,
}

/// A change of the balance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub cause: Cause,
    pub amount: Nanos,
}

/// What has changed since the books were opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    pub entries: Vec<Entry>,
    /// Entries that are told to Stripe's meter, too.
    pub metered: Vec<Metered>,
    /// The new ones and those that have changed.
    pub grants: Vec<Grant>,
    pub new_hold: Option<Hold>,
    /// Their allocations count no more.
    pub released_holds: Vec<GenerationId>,
}

/// One account's books at a moment.
#[derive(Clone, Debug)]
pub struct Books {
    account_id: AccountId,
    at: DateTime<Utc>,
    posted: Nanos,
    /// Soonest-ending first: the order in which they are spent.
    grants: Vec<Grant>,
    /// As they were when the books were opened.
    known_grants: Vec<Grant>,
    /// The pending ones.
    holds: Vec<Hold>,
    overage: Overage,
    changes: Changes,
}

impl Books {
    /// Opens the books: what has ended by `at` is taken out of them first.
    pub fn open(
        account_id: AccountId,
        at: DateTime<Utc>,
        posted: Nanos,
        grants: Vec<Grant>,
        holds: Vec<Hold>,
    ) -> Self {
        let known_grants = grants.clone();
        let mut books = Self {
            account_id,
            at,
            posted,
            grants,
            known_grants,
            holds,
            overage: Overage::default(),
            changes: Changes::default(),
        };
        books.sort_grants();
        books.expire_grants();
        books.release_expired_holds();
        books.cover_deficit();
        books
    }

    /// The same books with pay as you go, as the account has it.
    pub fn with_overage(self, overage: Overage) -> Self {
        Self { overage, ..self }
    }

    /// Lets no more be used beyond credit than the plan allows. None: nothing.
    pub fn limit_overage(&mut self, most: Option<Nanos>) {
        self.overage.cap = self.overage.cap.zip(most).map(|(cap, most)| cap.min(most));
    }

    /// When the books were opened.
    pub fn at(&self) -> DateTime<Utc> {
        self.at
    }

    /// What has changed, to be written down.
    pub fn into_changes(self) -> Changes {
        let Self { grants, known_grants, mut changes, .. } = self;
        changes.grants = grants.into_iter().filter(|grant| !known_grants.contains(grant)).collect();
        changes
    }

    /// What can be spent, and what is set aside.
    pub fn credit(&self) -> Credit {
        let live = || self.grants.iter().filter(|grant| self.is_live(grant));
        Credit {
            granted: live().map(|grant| grant.opening).sum(),
            held: self.holds.iter().map(|hold| hold.amount).sum(),
            available: live().map(|grant| self.free(grant)).sum::<Nanos>() - self.deficit(),
            resets_at: next_month(self.at),
            overage: self.overage.told(self.held_overage()),
        }
    }

    /// Gives the plan's credit for the month, once.
    pub fn give_monthly(&mut self, amount: Nanos) {
        let cause = Cause::monthly(self.account_id, self.at);
        let stored = cause.to_string();
        if amount > Nanos::ZERO && self.grants.iter().all(|grant| grant.cause != stored) {
            self.give(cause, amount, Some(next_month(self.at)));
        }
    }

    /// Gives credit. The cause must be new.
    pub fn give(&mut self, cause: Cause, amount: Nanos, expires_at: Option<DateTime<Utc>>) {
        let grant = Grant {
            id: Uuid::now_v7(),
            cause: cause.to_string(),
            amount,
            remaining: amount,
            reclaim: Nanos::ZERO,
            taken_back: Nanos::ZERO,
            opening: amount,
            opened_at: self.at,
            expires_at,
        };
        self.grants.push(grant);
        self.sort_grants();
        self.post(cause, amount);
        self.cover_deficit();
    }

    /// What all entries come to.
    pub fn balance(&self) -> Nanos {
        self.posted
    }

    pub fn grants(&self) -> &[Grant] {
        &self.grants
    }

    /// The pending ones.
    pub fn holds(&self) -> &[Hold] {
        &self.holds
    }

    /// Takes credit away, of the grants that end soonest, as far as no hold has it set aside. False: so much is not free.
    /// The cause must be new.
    pub fn take(&mut self, cause: Cause, amount: Nanos) -> bool {
        if amount > self.credit().available {
            return false;
        }
        let mut missing = amount;
        for index in 0..self.grants.len() {
            if self.is_live(&self.grants[index]) {
                let taken = self.free(&self.grants[index]).min(missing);
                let grant = &mut self.grants[index];
                grant.lose(taken);
                grant.reclaim = grant.reclaim.min(grant.remaining);
                grant.taken_back = (grant.taken_back + taken).min(grant.amount);
                missing -= taken;
            }
        }
        self.post(cause, -amount);
        true
    }

    /// The grant of a cause. None: it has ended and nothing is left.
    pub fn grant_id(&self, grant_cause: &str) -> Option<Uuid> {
        self.grants.iter().find(|grant| grant.cause == grant_cause).map(|grant| grant.id)
    }

    /// What was given for a cause. None: nothing, or it has ended and nothing is left.
    pub fn given(&self, grant_cause: &str) -> Option<Nanos> {
        self.grants.iter().find(|grant| grant.cause == grant_cause).map(|grant| grant.amount)
    }

    /// Ends a grant before its time: what is free goes now, what holds have set aside when they end.
    pub fn end(&mut self, grant_cause: &str) {
        let at = self.at;
        for grant in self.grants.iter_mut().filter(|grant| grant.cause == grant_cause && grant.is_live(at)) {
            grant.expires_at = Some(at);
        }
        self.sort_grants();
        self.expire_grants();
    }

    /// Takes back up to `amount` of a grant: at once what is free, the rest when the holds that have it set aside end.
    /// What is spent already stays spent. The cause must be new.
    pub fn take_back(&mut self, cause: Cause, grant_cause: &str, amount: Nanos) {
        let taken = self.take_free(grant_cause, amount);
        self.posted -= taken;
        // Also when there is nothing to take: the entry is what keeps it from being taken twice.
        self.changes.entries.push(Entry { cause, amount: -taken });
    }

    /// Gives back to a grant what was taken back of it after all: up to `amount`, as far as it was not spent, and only while
    /// the grant lives. What holds were to lose when they end, they keep. The cause must be new.
    pub fn give_back(&mut self, cause: Cause, grant_cause: &str, amount: Nanos, taken: Nanos) {
        let at = self.at;
        let of_cause = |grant: &&mut Grant| grant.cause == grant_cause && grant.is_live(at);
        let Some(grant) = self.grants.iter_mut().find(of_cause) else { return };
        let kept = grant.reclaim.min(amount);
        let returned = taken.min(amount - kept).min(grant.amount - grant.remaining);
        grant.reclaim -= kept;
        grant.remaining += returned;
        // An older version takes back without telling it.
        grant.opening = (grant.opening + returned).min(grant.amount);
        grant.taken_back = (grant.taken_back - kept - returned).or_zero();
        self.posted += returned;
        // Also when there is nothing to give: the entry is what keeps it from being given twice.
        self.changes.entries.push(Entry { cause, amount: returned });
        self.cover_deficit();
    }

    fn take_free(&mut self, grant_cause: &str, amount: Nanos) -> Nanos {
        let Some(index) = self.grants.iter().position(|grant| grant.cause == grant_cause) else {
            return Nanos::ZERO;
        };
        let free = self.free(&self.grants[index]).min(amount);
        let grant = &mut self.grants[index];
        grant.lose(free);
        grant.reclaim = (grant.reclaim + amount - free).min(grant.remaining);
        grant.taken_back = (grant.taken_back + amount).min(grant.amount);
        free
    }

    /// Sets money aside, of the grants that end soonest, then of what may be used beyond credit. False: so much is not
    /// there.
    pub fn hold(&mut self, id: GenerationId, amount: Nanos, expires_at: DateTime<Utc>) -> bool {
        if amount > self.credit().spendable() {
            return false;
        }
        let mut missing = amount;
        let mut allocations = Vec::new();
        for grant in self.grants.iter().filter(|grant| self.is_live(grant)) {
            let amount = self.free(grant).min(missing);
            if amount > Nanos::ZERO {
                allocations.push(Allocation { grant_id: grant.id, amount });
                missing -= amount;
            }
        }
        let hold = Hold { id, amount, overage: missing, expires_at, allocations };
        self.changes.new_hold = Some(hold.clone());
        self.holds.push(hold);
        true
    }

    /// Charges what a reply cost, out of what was set aside for it first, then out of what is free, then as overage;
    /// beyond that there is a deficit. What was set aside and not spent is free again.
    pub fn settle(&mut self, id: GenerationId, charged: Nanos) {
        let owed = self.deficit();
        let mut promised = Nanos::ZERO;
        self.post(Cause::Generation(id), -charged);
        if let Some(mut hold) = self.take_hold(id) {
            promised = hold.overage;
            let mut unpaid = charged;
            for allocation in &mut hold.allocations {
                let paid = allocation.amount.min(unpaid);
                allocation.amount -= paid;
                unpaid -= paid;
                self.spend(allocation.grant_id, paid);
            }
            self.release(&hold);
        }
        self.cover_deficit();
        self.meter(Cause::Overage(id), owed, promised);
    }

    /// Charges what a reply cost beyond what was charged when it was given up; less than nothing is given back.
    /// A correction gives back credit, never overage: what Stripe was told stays told.
    pub fn correct(&mut self, id: GenerationId, difference: Nanos) {
        let owed = self.deficit();
        self.post(Cause::LateGeneration(id), -difference);
        self.refill(id);
        self.cover_deficit();
        self.meter(Cause::LateOverage(id), owed, Nanos::ZERO);
    }

    /// What a charge has added to a deficit of `owed` is overage, as far as that is allowed or was `promised` to the
    /// reply, even where pay as you go was switched off meanwhile.
    fn meter(&mut self, cause: Cause, owed: Nanos, promised: Nanos) {
        let beyond = self.deficit() - owed;
        let allowed = self.overage.left(self.held_overage()).max(promised);
        if let Some(metered) = self.overage.take(cause, beyond, allowed, self.at) {
            self.posted += metered.amount;
            self.changes.metered.push(metered);
        }
    }

    /// What holds have set aside beyond credit.
    fn held_overage(&self) -> Nanos {
        self.holds.iter().map(|hold| hold.overage).sum()
    }

    /// Puts what the balance has more than the grants back into those spent last; what no grant takes has ended or was
    /// taken back with its grant.
    fn refill(&mut self, id: GenerationId) {
        let mut surplus = (self.posted - self.remaining()).or_zero();
        let at = self.at;
        for grant in self.grants.iter_mut().rev().filter(|grant| grant.is_live(at)) {
            let refilled = grant.room().min(surplus);
            grant.remaining += refilled;
            // What was spent before the period began is new in it.
            grant.opening = grant.opening.max(grant.remaining);
            surplus -= refilled;
        }
        if surplus > Nanos::ZERO {
            self.post(Cause::ExpiryOfCorrection(id), -surplus);
        }
    }

    /// Of grants that have ended, what no hold has set aside goes.
    fn expire_grants(&mut self) {
        for index in 0..self.grants.len() {
            let grant = &self.grants[index];
            let (id, free) = (grant.id, self.free(grant));
            if !self.is_live(grant) && free > Nanos::ZERO {
                self.spend(id, free);
                self.post(Cause::Expiry(id), -free);
            }
        }
    }

    /// A hold past its end counts no more, even before a sweep resolves it.
    fn release_expired_holds(&mut self) {
        let at = self.at;
        let (expired, holds) =
            std::mem::take(&mut self.holds).into_iter().partition(|hold| hold.expires_at <= at);
        self.holds = holds;
        for hold in expired {
            self.release(&hold);
        }
    }

    /// What a hold has set aside is free again, unless its grant has ended or is to be taken back.
    fn release(&mut self, hold: &Hold) {
        if !hold.allocations.is_empty() {
            self.changes.released_holds.push(hold.id);
        }
        let at = self.at;
        for Allocation { grant_id, amount } in hold.allocations.iter().copied() {
            let Some(grant) = self.grants.iter_mut().find(|grant| grant.id == grant_id) else { continue };
            let (gone, cause) = match grant.is_live(at) {
                false => (amount, Cause::ExpiryAfter(grant_id, hold.id)),
                true => (grant.reclaim.min(amount), Cause::ReclaimAfter(grant_id, hold.id)),
            };
            grant.lose(gone);
            grant.reclaim = (grant.reclaim - gone).or_zero().min(grant.remaining);
            self.post(cause, -gone);
        }
    }

    /// What was spent beyond all grants is paid out of whatever is free.
    fn cover_deficit(&mut self) {
        let mut deficit = self.deficit();
        for index in 0..self.grants.len() {
            let grant = &self.grants[index];
            if self.is_live(grant) && deficit > Nanos::ZERO {
                let (id, paid) = (grant.id, self.free(grant).min(deficit));
                self.spend(id, paid);
                deficit -= paid;
            }
        }
    }

    /// With its allocations in the order in which grants are spent.
    fn take_hold(&mut self, id: GenerationId) -> Option<Hold> {
        let index = self.holds.iter().position(|hold| hold.id == id)?;
        let mut hold = self.holds.remove(index);
        let place =
            |allocation: &Allocation| self.grants.iter().position(|grant| grant.id == allocation.grant_id);
        hold.allocations.sort_by_key(place);
        Some(hold)
    }

    fn spend(&mut self, grant_id: Uuid, amount: Nanos) {
        if let Some(grant) = self.grants.iter_mut().find(|grant| grant.id == grant_id) {
            grant.remaining -= amount;
            grant.reclaim = grant.reclaim.min(grant.remaining);
        }
    }

    fn post(&mut self, cause: Cause, amount: Nanos) {
        if amount != Nanos::ZERO {
            self.posted += amount;
            self.changes.entries.push(Entry { cause, amount });
        }
    }

    /// What no hold has set aside.
    fn free(&self, grant: &Grant) -> Nanos {
        let allocations = self.holds.iter().flat_map(|hold| &hold.allocations);
        let set_aside: Nanos =
            allocations.filter(|allocation| allocation.grant_id == grant.id).map(|each| each.amount).sum();
        grant.remaining - set_aside
    }

    /// What was spent beyond all grants.
    fn deficit(&self) -> Nanos {
        (self.remaining() - self.posted).or_zero()
    }

    fn remaining(&self) -> Nanos {
        self.grants.iter().map(|grant| grant.remaining).sum()
    }

    fn is_live(&self, grant: &Grant) -> bool {
        grant.is_live(self.at)
    }

    fn sort_grants(&mut self) {
        self.grants.sort_by_key(Grant::spending_order);
    }
}

impl Grant {
    /// Soonest-ending first.
    pub fn spending_order(&self) -> (DateTime<Utc>, Uuid) {
        (self.expires_at.unwrap_or(DateTime::<Utc>::MAX_UTC), self.id)
    }

    pub fn is_live(&self, at: DateTime<Utc>) -> bool {
        self.expires_at.is_none_or(|expires_at| expires_at > at)
    }

    /// As a period has it that begins then: of what was there before, only what was not spent yet. Counts from the next
    /// change on, and until that it is the same whenever it is asked for.
    pub fn in_period(self, start: DateTime<Utc>) -> Self {
        match self.opened_at < start {
            true => Self { opening: self.remaining, opened_at: start, ..self },
            false => self,
        }
    }

    /// Something goes that nobody has spent.
    fn lose(&mut self, amount: Nanos) {
        self.remaining -= amount;
        self.opening -= amount;
    }

    /// What may be given back to it: no more than was spent, and nothing of what was taken back.
    fn room(&self) -> Nanos {
        (self.amount - self.taken_back - (self.remaining - self.reclaim)).or_zero()
    }
}

/// The first moment of the calendar month, in UTC.
pub fn month_of(at: DateTime<Utc>) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(at.year(), at.month(), 1, 0, 0, 0).single().unwrap_or(at)
}

/// The first moment of the next calendar month, in UTC.
pub fn next_month(at: DateTime<Utc>) -> DateTime<Utc> {
    let (year, month) = if at.month() == 12 { (at.year() + 1, 1) } else { (at.year(), at.month() + 1) };
    Utc.with_ymd_and_hms(year, month, 1, 0, 0, 0).single().unwrap_or(at)
}

#[cfg(test)]
mod tests;
