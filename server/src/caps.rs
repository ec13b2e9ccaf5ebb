//! The arithmetic of caps: what they leave for a reply, which of them is in the way, and which parts of one a charge has
//! passed. Only arithmetic; the store reads what it is about together with the books, of the same version.

use app::types::{Alert, AlertBasis, Cap, CapTerms, Credit, Nanos};

/// People are told when spending passes these parts of a cap.
pub const ALERT_PERCENTS: [u8; 3] = [50, 80, 100];

/// A cap as the person has set it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnCap {
    /// None: no cap, whatever the plan says.
    pub limit: Option<Nanos>,
    pub is_hard: bool,
}

impl OwnCap {
    /// None: no cap.
    pub fn terms(self) -> Option<CapTerms> {
        self.limit.map(|limit| CapTerms { limit, is_hard: self.is_hard })
    }
}

/// The plan's caps, for those who have set none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlanCaps {
    pub monthly: Option<CapTerms>,
    /// Of each conversation.
    pub thread: Option<CapTerms>,
}

/// The cap that holds, and whether it is the person's own: theirs wins over the plan's, also when it is "none".
pub fn terms_in_force(own: Option<OwnCap>, plan: Option<CapTerms>) -> Option<(CapTerms, bool)> {
    match own {
        Some(own) => own.terms().map(|terms| (terms, true)),
        None => plan.map(|terms| (terms, false)),
    }
}

/// Everything that limits what a reply may cost.
#[derive(Clone, Debug)]
pub struct Allowance {
    pub credit: Credit,
    /// Also those that only warn.
    pub caps: Vec<Cap>,
    /// What the day's ceiling leaves for everybody. None: there is no ceiling.
    pub ceiling_left: Option<Nanos>,
}

/// The limit that leaves too little for a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shortage {
    Credit(Credit),
    Cap(Cap),
    /// Of the whole deployment, for the day.
    Ceiling,
}

impl Allowance {
    /// What a reply may cost at most.
    pub fn amount(&self) -> Nanos {
        let caps = self.hard_caps().map(|cap| cap.remaining).min();
        [caps, self.ceiling_left].into_iter().flatten().fold(self.credit.spendable(), Nanos::min)
    }

    /// The limit that leaves least. Where several leave the same, the one the person can do least about: raising a cap
    /// would not help somebody who has no credit.
    pub fn into_shortage(self) -> Shortage {
        let amount = self.amount();
        if self.ceiling_left == Some(amount) {
            return Shortage::Ceiling;
        }
        if self.credit.spendable() == amount {
            return Shortage::Credit(self.credit);
        }
        let tightest = self.hard_caps().min_by_key(|cap| cap.remaining).cloned();
        tightest.map_or(Shortage::Credit(self.credit), Shortage::Cap)
    }

    fn hard_caps(&self) -> impl Iterator<Item = &Cap> {
        self.caps.iter().filter(|cap| cap.is_hard)
    }
}

/// The parts of `limit` that spending has passed on its way from `before` to `after`.
pub fn passed_percents(limit: Nanos, before: Nanos, after: Nanos) -> impl Iterator<Item = u8> {
    let is_new = move |percent: &u8| is_passed(limit, after, *percent) && !is_passed(limit, before, *percent);
    ALERT_PERCENTS.into_iter().filter(is_new)
}

/// Whether this part of `limit` is spent. Of no money at all, nothing can be.
pub fn is_passed(limit: Nanos, used: Nanos, percent: u8) -> bool {
    limit > Nanos::ZERO && i128::from(used.0) * 100 >= i128::from(limit.0) * i128::from(percent)
}

/// Whether an alert is to be shown as things stand: it is about the month's cap where there is one, else about the credit.
pub fn is_due(alert: Alert, cap: Option<&Cap>, credit: &Credit) -> bool {
    match (alert.basis, cap) {
        (AlertBasis::Cap, Some(cap)) => is_passed(cap.limit, cap.used, alert.percent),
        (AlertBasis::Credit, None) => is_passed(credit.granted, credit.used(), alert.percent),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use app::types::{CapScope, ThreadId};
    use chrono::DateTime;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn terms(limit: i64, is_hard: bool) -> CapTerms {
        CapTerms { limit: Nanos(limit), is_hard }
    }

    fn month(limit: i64, used: i64, is_hard: bool) -> Cap {
        let resets_at = DateTime::from_timestamp(1_701_388_800, 0);
        Cap::new(
            CapScope::Monthly { is_own: true },
            terms(limit, is_hard),
            Nanos(used),
            Nanos::ZERO,
            resets_at,
        )
    }

    fn conversation(limit: i64, used: i64) -> Cap {
        let thread_id = ThreadId(Uuid::nil());
        let scope = CapScope::Thread { thread_id, title: String::new(), is_own: true, is_program: false };
        Cap::new(scope, terms(limit, true), Nanos(used), Nanos::ZERO, None)
    }

    fn allowance(available: i64, caps: Vec<Cap>, ceiling_left: Option<i64>) -> Allowance {
        let credit = Credit {
            granted: Nanos(1_000),
            held: Nanos::ZERO,
            available: Nanos(available),
            resets_at: DateTime::UNIX_EPOCH,
            overage: None,
        };
        Allowance { credit, caps, ceiling_left: ceiling_left.map(Nanos) }
    }

    #[test]
    fn the_persons_own_cap_wins_over_the_plans_also_when_it_is_none() {
        let plan = Some(terms(500, true));
        let own = |limit: Option<i64>| Some(OwnCap { limit: limit.map(Nanos), is_hard: false });
        assert_eq!(terms_in_force(None, plan), Some((terms(500, true), false)));
        assert_eq!(terms_in_force(own(Some(900)), plan), Some((terms(900, false), true)));
        assert_eq!(terms_in_force(own(None), plan), None);
        assert_eq!(terms_in_force(None, None), None);
    }

    #[test]
    fn the_tightest_limit_decides_and_is_named() {
        let caps = vec![month(500, 400, true), conversation(200, 150)];
        assert_eq!(allowance(700, caps.clone(), Some(60)).amount(), Nanos(50));
        assert_eq!(
            allowance(700, caps.clone(), Some(60)).into_shortage(),
            Shortage::Cap(conversation(200, 150))
        );
        assert_eq!(allowance(700, caps.clone(), Some(40)).into_shortage(), Shortage::Ceiling);
        let poor = allowance(-3, caps, Some(40));
        assert_eq!(poor.amount(), Nanos(-3));
        assert!(matches!(poor.into_shortage(), Shortage::Credit(_)));
    }

    #[test]
    fn of_equal_limits_the_one_that_nobody_can_raise_is_named() {
        let used_up = vec![month(500, 500, true)];
        assert!(matches!(allowance(0, used_up.clone(), None).into_shortage(), Shortage::Credit(_)));
        assert_eq!(allowance(9, used_up, Some(0)).into_shortage(), Shortage::Ceiling);
    }

    #[test]
    fn a_cap_that_only_warns_limits_nothing() {
        assert_eq!(allowance(700, vec![month(500, 600, false)], None).amount(), Nanos(700));
    }

    #[test]
    fn an_alert_is_due_when_a_part_is_reached_to_the_nano() {
        let passed =
            |before, after| passed_percents(Nanos(200), Nanos(before), Nanos(after)).collect::<Vec<_>>();
        assert_eq!(passed(0, 99), [0; 0]);
        assert_eq!(passed(99, 100), [50]);
        assert_eq!(passed(100, 159), [0; 0]);
        assert_eq!(passed(0, 500), [50, 80, 100]);
        assert_eq!(passed(500, 0), [0; 0], "a correction downwards passes nothing");
        assert_eq!(passed_percents(Nanos::ZERO, Nanos::ZERO, Nanos(5)).count(), 0);
    }

    proptest! {
        #[test]
        fn in_steps_or_at_once_the_same_alerts_are_due_each_once(
            limit in 1i64..1_000_000,
            charges in proptest::collection::vec(0i64..200_000, 1..20),
        ) {
            let (mut used, mut in_steps) = (0, Vec::new());
            for charge in &charges {
                in_steps.extend(passed_percents(Nanos(limit), Nanos(used), Nanos(used + charge)));
                used += charge;
            }
            let at_once: Vec<_> = passed_percents(Nanos(limit), Nanos::ZERO, Nanos(used)).collect();
            prop_assert_eq!(in_steps, at_once);
        }
    }
}
