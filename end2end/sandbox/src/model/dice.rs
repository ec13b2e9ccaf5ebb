//! Faults by dice: which are switched on, for which upstream, and how often they came up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::model::fault::Fault;

/// Stands for every upstream in a switch.
pub(crate) const EVERY_UPSTREAM: &str = "*";

/// How likely one fault is on one upstream.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Switch {
    /// A name, empty for the upstream without one, `*` for all.
    #[serde(default = "every_upstream")]
    pub(crate) upstream: String,
    pub(crate) fault: Fault,
    /// 0 switches the fault off.
    pub(crate) percent: u8,
}

fn every_upstream() -> String {
    EVERY_UPSTREAM.to_owned()
}

/// What happened on one upstream since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Counts {
    pub(crate) requests: u64,
    /// Those that a script served.
    pub(crate) scripted: u64,
    /// Those that the dice spoilt.
    pub(crate) faults: BTreeMap<Fault, u64>,
}

/// What is switched on, the latest last, and what happened so far by upstream.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct DiceState {
    pub(crate) switched_on: Vec<Switch>,
    pub(crate) upstreams: BTreeMap<String, Counts>,
}

impl DiceState {
    /// The names worth offering: those seen and those with a switch, the one without a name always.
    pub(crate) fn names(&self) -> BTreeSet<&str> {
        let switched = self.switched_on.iter().map(|switch| switch.upstream.as_str());
        let seen = self.upstreams.keys().map(String::as_str);
        switched.chain(seen).chain([""]).filter(|name| *name != EVERY_UPSTREAM).collect()
    }
}

/// The dice, rolled once a request that no script serves.
#[derive(Debug, Default)]
pub(crate) struct Dice(Mutex<DiceState>);

impl Dice {
    /// Makes a fault as likely as the switch says, without touching other faults.
    pub(crate) fn set(&self, switch: Switch) -> Result<(), &'static str> {
        if switch.percent > 100 {
            return Err("`percent` must be 0 to 100");
        }
        let switches = &mut self.lock().switched_on;
        switches.retain(|other| (&other.upstream, other.fault) != (&switch.upstream, switch.fault));
        if switch.percent > 0 {
            switches.push(switch);
        }
        Ok(())
    }

    /// Switches all faults off, or those of one upstream.
    pub(crate) fn clear(&self, upstream: Option<&str>) {
        let is_kept = |switch: &Switch| upstream.is_some_and(|upstream| switch.upstream != upstream);
        self.lock().switched_on.retain(is_kept);
    }

    /// What is switched on, and what happened so far.
    pub(crate) fn state(&self) -> DiceState {
        self.lock().clone()
    }

    /// Counts a request that a script serves. The dice stay on the table.
    pub(crate) fn count_scripted(&self, upstream: &str) {
        let mut state = self.lock();
        let counts = state.upstreams.entry(upstream.to_owned()).or_default();
        counts.requests += 1;
        counts.scripted += 1;
    }

    /// Counts a request, and decides its fault: one die a switch, those of the upstream before those of all, the
    /// latest first, until one comes up.
    pub(crate) fn roll(&self, upstream: &str) -> Option<Fault> {
        self.roll_with(upstream, || rand::random_range(0..100))
    }

    fn roll_with(&self, upstream: &str, mut die: impl FnMut() -> u8) -> Option<Fault> {
        let mut state = self.lock();
        let switches_of = |name| state.switched_on.iter().rev().filter(move |switch| switch.upstream == name);
        let mut switches = switches_of(upstream).chain(switches_of(EVERY_UPSTREAM));
        let fault = switches.find(|switch| die() < switch.percent).map(|switch| switch.fault);
        let counts = state.upstreams.entry(upstream.to_owned()).or_default();
        counts.requests += 1;
        if let Some(fault) = fault {
            *counts.faults.entry(fault).or_default() += 1;
        }
        fault
    }

    fn lock(&self) -> MutexGuard<'_, DiceState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dice(switches: &[(&str, Fault, u8)]) -> Dice {
        let dice = Dice::default();
        for &(upstream, fault, percent) in switches {
            dice.set(Switch { upstream: upstream.into(), fault, percent }).unwrap();
        }
        dice
    }

    #[test]
    fn a_fault_is_as_likely_as_it_is_set() {
        let dice = dice(&[("", Fault::Cut, 30)]);
        let hits = (0..100).filter(|&eyes| dice.roll_with("", || eyes).is_some()).count();
        assert_eq!(hits, 30);
        let counts = dice.state().upstreams[""].clone();
        assert_eq!((counts.requests, counts.faults[&Fault::Cut]), (100, 30));
    }

    #[test]
    fn certain_and_impossible_faults_need_no_luck() {
        let certain = dice(&[("", Fault::Cut, 100)]);
        assert!((0..200).all(|_| certain.roll("") == Some(Fault::Cut)));
        let impossible = dice(&[("", Fault::Cut, 100), ("", Fault::Cut, 0)]);
        assert!((0..200).all(|_| impossible.roll("").is_none()) && impossible.state().switched_on.is_empty());
        assert!(impossible.set(Switch { upstream: "".into(), fault: Fault::Cut, percent: 101 }).is_err());
    }

    #[test]
    fn an_upstream_goes_before_all_and_the_latest_before_older() {
        let switches = [
            ("b", Fault::Cut, 100),
            ("b", Fault::Refused, 50),
            (EVERY_UPSTREAM, Fault::Overloaded, 100),
            ("c", Fault::ZeroUsage, 0),
        ];
        let dice = dice(&switches);
        assert_eq!(dice.roll_with("b", || 49), Some(Fault::Refused));
        assert_eq!(dice.roll_with("b", || 50), Some(Fault::Cut));
        assert_eq!(["", "c"].map(|name| dice.roll_with(name, || 50)), [Some(Fault::Overloaded); 2]);
    }

    #[test]
    fn clearing_can_spare_other_upstreams() {
        let dice = dice(&[("", Fault::Cut, 100), ("b", Fault::Cut, 100), (EVERY_UPSTREAM, Fault::Cut, 1)]);
        dice.clear(Some(""));
        assert_eq!(dice.roll_with("", || 50), None);
        assert_eq!(dice.roll_with("b", || 50), Some(Fault::Cut));
        dice.clear(None);
        assert_eq!(dice.roll_with("b", || 0), None);
        assert_eq!(Vec::from_iter(dice.state().names()), ["", "b"]);
    }

    #[test]
    fn a_switch_without_an_upstream_is_for_all() {
        let switch: Switch = serde_json::from_str(r#"{"fault": "slow_drip", "percent": 5}"#).unwrap();
        assert_eq!(switch, Switch { upstream: "*".into(), fault: Fault::SlowDrip, percent: 5 });
        assert!(serde_json::from_str::<Switch>(r#"{"fault": "cut", "percent": 5, "key": "b"}"#).is_err());
    }
}
