//! Any sequence of events does to the books what it does to a heap of coins.

use std::collections::{BTreeMap, HashSet};

use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;

/// Times are in minutes since the start, money in single nano-dollars.
#[derive(Clone, Debug)]
enum Event {
    Give { amount: u8, life: Option<u8> },
    Hold { amount: u8, life: u8 },
    Settle { hold: u8, charged: u8 },
    Correct { settled: u8, difference: i8 },
    TakeBack { grant: u8, amount: u8 },
    Wait { minutes: u8 },
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        2 => (1..20u8, prop::option::of(1..12u8)).prop_map(|(amount, life)| Event::Give { amount, life }),
        4 => (0..20u8, 1..8u8).prop_map(|(amount, life)| Event::Hold { amount, life }),
        4 => (any::<u8>(), 0..30u8).prop_map(|(hold, charged)| Event::Settle { hold, charged }),
        2 => (any::<u8>(), -20..20i8).prop_map(|(settled, difference)| Event::Correct { settled, difference }),
        1 => (any::<u8>(), 1..25u8).prop_map(|(grant, amount)| Event::TakeBack { grant, amount }),
        2 => (1..5u8).prop_map(|minutes| Event::Wait { minutes }),
    ]
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Coin {
    Free,
    SetAside(u128),
    Gone,
}

#[derive(Debug)]
struct Heap {
    ends_at: Option<i64>,
    coins: Vec<Coin>,
    reclaim: usize,
    taken_back: usize,
}

impl Heap {
    fn left(&self) -> usize {
        self.coins.iter().filter(|coin| **coin != Coin::Gone).count()
    }

    /// How many coins may come back to it.
    fn room(&self) -> usize {
        (self.coins.len() + self.reclaim).saturating_sub(self.taken_back + self.left())
    }
}

/// Every nano-dollar as a coin of its own, in a heap for each grant.
#[derive(Debug, Default)]
struct Model {
    at: i64,
    heaps: Vec<Heap>,
    /// Of the holds that count.
    held: BTreeMap<u128, (i64, i64)>,
    debt: usize,
}

impl Model {
    /// The heaps in the order they are spent.
    fn order(&self) -> Vec<usize> {
        let mut order: Vec<_> = (0..self.heaps.len()).collect();
        order.sort_by_key(|heap| (self.heaps[*heap].ends_at.unwrap_or(i64::MAX), *heap));
        order
    }

    fn is_live(&self, heap: usize) -> bool {
        self.heaps[heap].ends_at.is_none_or(|ends_at| ends_at > self.at)
    }

    fn free(&self) -> usize {
        let live = (0..self.heaps.len()).filter(|heap| self.is_live(*heap));
        live.flat_map(|heap| &self.heaps[heap].coins).filter(|coin| **coin == Coin::Free).count()
    }

    fn available(&self) -> i64 {
        self.free() as i64 - self.debt as i64
    }

    /// Turns up to `most` coins that are `from` into `to`, heap by heap; returns how many.
    fn turn(&mut self, heaps: &[usize], from: Coin, to: Coin, most: usize) -> usize {
        let coins = heaps.iter().flat_map(|heap| {
            self.heaps[*heap]
                .coins
                .iter()
                .enumerate()
                .filter(|(_, coin)| **coin == from)
                .map(|(coin, _)| (*heap, coin))
        });
        let chosen: Vec<_> = coins.take(most).collect();
        for (heap, coin) in &chosen {
            self.heaps[*heap].coins[*coin] = to;
        }
        for heap in &mut self.heaps {
            heap.reclaim = heap.reclaim.min(heap.left());
        }
        chosen.len()
    }

    fn live_order(&self) -> Vec<usize> {
        self.order().into_iter().filter(|heap| self.is_live(*heap)).collect()
    }

    fn pay_debt(&mut self) {
        self.debt -= self.turn(&self.live_order(), Coin::Free, Coin::Gone, self.debt);
    }

    fn release(&mut self, hold: u128) {
        self.held.remove(&hold);
        for heap in self.order() {
            let freed = self.heaps[heap].coins.iter().filter(|coin| **coin == Coin::SetAside(hold)).count();
            let reclaim = self.heaps[heap].reclaim;
            let gone = if self.is_live(heap) { freed.min(reclaim) } else { freed };
            self.turn(&[heap], Coin::SetAside(hold), Coin::Gone, gone);
            self.heaps[heap].reclaim = self.heaps[heap].reclaim.min(reclaim - gone.min(reclaim));
            self.turn(&[heap], Coin::SetAside(hold), Coin::Free, freed);
        }
    }

    fn wait(&mut self, minutes: i64) {
        self.at += minutes;
        let ended: Vec<_> = (0..self.heaps.len()).filter(|heap| !self.is_live(*heap)).collect();
        self.turn(&ended, Coin::Free, Coin::Gone, usize::MAX);
        let expired: Vec<_> =
            self.held.iter().filter(|(_, (_, ends_at))| *ends_at <= self.at).map(|(id, _)| *id).collect();
        expired.into_iter().for_each(|id| self.release(id));
        self.pay_debt();
    }

    fn hold(&mut self, id: u128, amount: i64, ends_at: i64) -> bool {
        if amount > self.available() {
            return false;
        }
        self.turn(&self.live_order(), Coin::Free, Coin::SetAside(id), amount as usize);
        self.held.insert(id, (amount, ends_at));
        true
    }

    fn settle(&mut self, id: u128, charged: usize) {
        let paid = self.turn(&self.order(), Coin::SetAside(id), Coin::Gone, charged);
        self.debt += charged - paid;
        self.release(id);
        self.pay_debt();
    }

    fn correct(&mut self, difference: i64) {
        self.debt += difference.max(0) as usize;
        let given_back = (-difference).max(0) as usize;
        let forgiven = given_back.min(self.debt);
        self.debt -= forgiven;
        let mut returned = given_back - forgiven;
        for heap in self.live_order().into_iter().rev() {
            let most = returned.min(self.heaps[heap].room());
            returned -= self.turn(&[heap], Coin::Gone, Coin::Free, most);
        }
        self.pay_debt();
    }

    fn take_back(&mut self, heap: usize, amount: usize) {
        let taken = self.turn(&[heap], Coin::Free, Coin::Gone, amount);
        let heap = &mut self.heaps[heap];
        heap.reclaim = (heap.reclaim + amount - taken).min(heap.left());
        heap.taken_back = (heap.taken_back + amount).min(heap.coins.len());
    }
}

/// What the database would hold.
#[derive(Default)]
struct Stored {
    at: i64,
    entries: Vec<Entry>,
    grants: Vec<Grant>,
    pending: Vec<Hold>,
    ids: u128,
    settled: Vec<(GenerationId, i64)>,
}

impl Stored {
    fn time(&self, minutes: i64) -> DateTime<Utc> {
        now() + TimeDelta::minutes(minutes)
    }

    fn posted(&self) -> Nanos {
        self.entries.iter().map(|entry| entry.amount).sum()
    }

    /// What the store reads.
    fn open(&self) -> Books {
        let at = self.time(self.at);
        let is_read = |grant: &&Grant| grant.remaining > Nanos::ZERO || grant.is_live(at);
        let grants = self.grants.iter().filter(is_read).cloned().collect();
        Books::open(AccountId(Uuid::from_u128(1)), at, self.posted(), grants, self.pending.clone())
    }

    /// What the store writes.
    fn close(&mut self, books: Books) {
        let changes = books.into_changes();
        self.entries.extend(changes.entries);
        for grant in changes.grants {
            match self.grants.iter_mut().find(|known| known.id == grant.id) {
                Some(known) => *known = grant,
                None => self.grants.push(grant),
            }
        }
        for hold in self.pending.iter_mut().filter(|hold| changes.released_holds.contains(&hold.id)) {
            hold.allocations.clear();
        }
        self.pending.extend(changes.new_hold);
    }

    fn apply(&mut self, event: &Event, model: &mut Model) {
        let mut books = self.open();
        match *event {
            Event::Give { amount, life } => {
                let ends_at = life.map(|life| self.at + i64::from(life));
                self.ids += 1;
                let cause = pack(&format!("grant:{}", self.ids));
                books.give(cause, Nanos(amount.into()), ends_at.map(|ends_at| self.time(ends_at)));
                model.heaps.push(Heap {
                    ends_at,
                    coins: vec![Coin::Free; amount.into()],
                    reclaim: 0,
                    taken_back: 0,
                });
                model.pay_debt();
            }
            Event::Hold { amount, life } => {
                self.ids += 1;
                let ends_at = self.at + i64::from(life);
                let is_held = books.hold(id(self.ids), Nanos(amount.into()), self.time(ends_at));
                assert_eq!(is_held, model.hold(self.ids, amount.into(), ends_at));
            }
            Event::Settle { hold, charged } if !self.pending.is_empty() => {
                let index = usize::from(hold) % self.pending.len();
                let id = self.pending[index].id;
                books.settle(id, Nanos(charged.into()));
                self.pending.remove(index);
                self.settled.push((id, charged.into()));
                model.settle(id.0.as_u128(), charged.into());
            }
            Event::Correct { settled, difference } if !self.settled.is_empty() => {
                let (id, charged) = self.settled.remove(usize::from(settled) % self.settled.len());
                let difference = i64::from(difference).max(-charged);
                books.correct(id, Nanos(difference));
                model.correct(difference);
            }
            Event::TakeBack { grant, amount } if !self.grants.is_empty() => {
                let index = usize::from(grant) % self.grants.len();
                self.ids += 1;
                let cause = pack(&format!("refund:{}", self.ids));
                books.take_back(cause, &self.grants[index].cause, Nanos(amount.into()));
                model.take_back(index, amount.into());
            }
            Event::Wait { minutes } => {
                self.at += i64::from(minutes);
                books = self.open();
                model.wait(minutes.into());
            }
            _ => {}
        }
        self.close(books);
    }

    fn check(&self, model: &Model) {
        let books = self.open();
        let credit = books.credit();
        assert_eq!(credit.available, Nanos(model.available()), "available");
        assert_eq!(credit.held, Nanos(model.held.values().map(|(amount, _)| amount).sum()), "held");
        assert_eq!(books.deficit(), Nanos(model.debt as i64), "deficit");
        assert_eq!(
            books.remaining() - books.deficit(),
            self.posted(),
            "the balance is what grants have left"
        );
        for (grant, heap) in self.grants.iter().zip(&model.heaps) {
            assert_eq!(grant.remaining, Nanos(heap.left() as i64), "what {} has left", grant.cause);
            assert_eq!(
                grant.reclaim,
                Nanos(heap.reclaim as i64),
                "what is to be taken back of {}",
                grant.cause
            );
            assert!(books.free(grant) >= Nanos::ZERO, "holds have more of {} than there is", grant.cause);
        }
        let causes: HashSet<_> = self.entries.iter().map(|entry| entry.cause.to_string()).collect();
        assert_eq!(causes.len(), self.entries.len(), "nothing is posted twice");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn books_are_kept_as_if_every_nano_dollar_were_a_coin(events in prop::collection::vec(event(), 1..60)) {
        let (mut stored, mut model) = (Stored::default(), Model::default());
        for event in &events {
            stored.apply(event, &mut model);
            stored.check(&model);
        }
    }
}
