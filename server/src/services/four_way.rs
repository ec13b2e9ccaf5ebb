//! The nightly four-way check: what is set aside, what the ledger says, what Stripe's meter has counted, and what providers
//! of models say we used must tell the same story. It reports and never repairs.

use std::fmt;

use app::types::Days;

use super::billing::Cashier;
use crate::AppResult;
use crate::store::Db;
use crate::store::clock::now;
use crate::store::provider_usage::{self, TokensOfDay};
use crate::store::reconciliations::{self, COMPARED_DAYS, TwoSums};

/// Providers count what we had to estimate, where a reply was stopped: so many parts in a hundred are no finding.
const TOLERATED_PERCENT: i64 = 1;

#[derive(Clone)]
pub struct FourWayCheck {
    db: Db,
    /// None: nothing is billed here.
    cashier: Option<Cashier>,
}

/// Two counts of the same thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// What is counted, and of which day.
    subject: String,
    /// A count, and who says so.
    one: (i64, &'static str),
    other: (i64, &'static str),
    agrees: bool,
}

impl Compared {
    fn exactly(subject: impl Into<String>, one: (i64, &'static str), other: (i64, &'static str)) -> Self {
        Self { subject: subject.into(), one, other, agrees: one.0 == other.0 }
    }

    pub fn agrees(&self) -> bool {
        self.agrees
    }
}

/// `ok   holds, nano-dollars: 12 set aside, 12 in its parts`, or `FAIL …`.
impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subject, one, other, agrees } = self;
        let word = if *agrees { "ok  " } else { "FAIL" };
        write!(f, "{word} {subject}: {} {}, {} {}", one.0, one.1, other.0, other.1)
    }
}

impl FourWayCheck {
    pub fn new(db: Db, cashier: Option<Cashier>) -> Self {
        Self { db, cashier }
    }

    /// What the database alone can tell.
    async fn compare_books(&self, days: Days) -> AppResult<Vec<Compared>> {
        let mut conn = self.db.get().await?;
        let holds = reconciliations::sum_open_holds(&mut conn).await?;
        let overage = reconciliations::sum_overage(&mut conn, days).await?;
        let tokens = provider_usage::list_tokens(&mut conn, days).await?;
        let has_imports = provider_usage::is_any(&mut conn).await?;
        let sums = |subject: &str, TwoSums { one, other }, names: [&'static str; 2]| {
            Compared::exactly(subject, (one, names[0]), (other, names[1]))
        };
        let mut report = vec![
            sums("holds, nano-dollars", holds, ["set aside", "in its parts"]),
            sums("overage, nano-dollars", overage, ["in the ledger", "meant for the meter"]),
        ];
        report.extend(tokens.iter().flat_map(|day| of_tokens(day, has_imports)));
        Ok(report)
    }

    /// What Stripe has to be asked for.
    async fn compare_meter(&self, days: Days) -> AppResult<Vec<Compared>> {
        let Some(cashier) = &self.cashier else { return Ok(vec![]) };
        let meter = cashier.compare_meter(days).await?;
        let names = ["counted here", "at Stripe's meter"];
        let mut report = vec![Compared {
            agrees: meter.differences.is_empty(),
            ..Compared::exactly("meter, micro-dollars", (meter.ours, names[0]), (meter.stripes, names[1]))
        }];
        report.extend(meter.differences.into_iter().map(|difference| {
            let subject = format!("meter, {} on {}", difference.customer_id, difference.day);
            Compared::exactly(subject, (difference.ours, names[0]), (difference.stripes, names[1]))
        }));
        Ok(report)
    }

    /// The nightly run: what differs is kept, and logged as an error.
    pub(crate) async fn log(&self) -> AppResult<()> {
        let at = now(&mut *self.db.get().await?).await?;
        self.record(Days::before(at, COMPARED_DAYS)).await?;
        Ok(())
    }

    /// Compares, keeps what differs and logs it. Days are at most a hundred.
    ///
    /// # Errors
    /// When the database or Stripe is away. What differed without Stripe is kept before that is asked.
    pub async fn record(&self, days: Days) -> AppResult<Vec<Compared>> {
        let at = now(&mut *self.db.get().await?).await?;
        let mut report = self.compare_books(days).await?;
        let id = reconciliations::record(&mut *self.db.get().await?, at, &findings(&report)).await?;
        report.extend(self.compare_meter(days).await?);
        let findings = findings(&report);
        reconciliations::set_findings(&mut *self.db.get().await?, id, &findings).await?;
        match findings.as_slice() {
            [] => tracing::info!(compared = report.len(), "Holds, ledger, meter and providers agree"),
            findings => tracing::error!(
                findings = findings.join("; "),
                "Holds, ledger, meter and providers differ in {} places",
                findings.len()
            ),
        }
        Ok(report)
    }
}

fn findings(report: &[Compared]) -> Vec<String> {
    report.iter().filter(|line| !line.agrees).map(ToString::to_string).collect()
}

/// Nothing is said of days that were not imported, unless days are imported here.
fn of_tokens(day: &TokensOfDay, has_imports: bool) -> Vec<Compared> {
    if day.imported_input_tokens.is_none() && !has_imports {
        return vec![];
    }
    let kinds = [
        ("input", day.input_tokens, day.imported_input_tokens),
        ("output", day.output_tokens, day.imported_output_tokens),
    ];
    let compared = |(kind, ours, theirs): (&str, i64, Option<i64>)| {
        let theirs = theirs.unwrap_or_default();
        let difference = i128::from(ours.abs_diff(theirs));
        Compared {
            subject: format!("{kind} tokens of {} {} on {}", day.provider, day.model, day.day),
            one: (ours, "recorded"),
            other: (theirs, "at the provider"),
            agrees: difference * 100 <= i128::from(ours.max(theirs)) * i128::from(TOLERATED_PERCENT),
        }
    };
    kinds.map(compared).into()
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;

    fn told(ours: i64, theirs: Option<i64>, has_imports: bool) -> Vec<String> {
        let day = TokensOfDay {
            day: NaiveDate::from_ymd_opt(2026, 11, 24).expect("a day"),
            provider: "openai".to_owned(),
            model: "small".to_owned(),
            input_tokens: ours,
            output_tokens: 1,
            imported_input_tokens: theirs,
            imported_output_tokens: theirs.map(|_| 1),
        };
        of_tokens(&day, has_imports).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_estimate_may_differ_a_little_and_nothing_else() {
        assert_eq!(
            told(1000, Some(1010), true),
            [
                "ok   input tokens of openai small on 2026-11-24: 1000 recorded, 1010 at the provider",
                "ok   output tokens of openai small on 2026-11-24: 1 recorded, 1 at the provider",
            ]
        );
        assert!(told(1000, Some(1011), true)[0].starts_with("FAIL"));
        assert!(told(1000, Some(0), true)[0].starts_with("FAIL"));
    }

    #[test]
    fn a_day_without_an_import_is_a_finding_only_where_days_are_imported() {
        assert!(told(1000, None, false).is_empty());
        assert!(told(1000, None, true)[0].starts_with("FAIL"));
    }
}
