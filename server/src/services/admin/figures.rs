//! How everything goes: people, money, replies.

use std::collections::BTreeMap;

use app::ApiResult;
use app::api::admin::FiguresApi;
use app::types::{
    AccountId, CostExplosion, DayFigures, DayVolume, Days, Figures, NamedVolume, Nanos, Operator, Overview,
    Period, PersonVolume, Volume, VolumeReport,
};
use async_trait::async_trait;
use chrono::NaiveDate;

use crate::AppResult;
use crate::error::reported;
use crate::percentiles::percentile;
use crate::services::plans::Plans;
use crate::services::usage::months_since;
use crate::store::attempts::has_failed;
use crate::store::clock::today;
pub(crate) use crate::store::figure_files::FileRow;
use crate::store::figures::{self, Attempts, DayTotal, Part, PersonPart, Ranking, Report};
use crate::store::{Db, figure_files};

/// The page shows this many people, and as many days that were far too dear.
const MOST: i64 = 25;

/// Rows an export reads at once.
const EXPORT_PAGE: i64 = 1000;

#[derive(Clone)]
pub struct FiguresService {
    db: Db,
    plans: Plans,
}

impl FiguresService {
    pub fn new(db: Db, plans: Plans) -> Self {
        Self { db, plans }
    }

    async fn overview(&self) -> AppResult<Overview> {
        let mut conn = self.db.get().await?;
        let today = today(&mut conn).await?;
        let (days, before) = (Period::Last30Days.days(today), Period::Last30Days.days_before(today));
        let read = figures::read_overview(&mut conn, Days { first: before.first, last: today }).await?;
        Ok(Overview {
            computed_at: read.computed_at,
            days: days.iter().map(|day| DayFigures { day, figures: figures_of_day(&read, day) }).collect(),
            total: figures_of(&read, days),
            before: figures_of(&read, before),
        })
    }

    async fn volume_report(&self, period: Period) -> AppResult<VolumeReport> {
        let mut conn = self.db.get().await?;
        let today = today(&mut conn).await?;
        let (days, before) = (period.days(today), period.days_before(today));
        let ranking = match period {
            Period::Last30Days => Ranking::Last30Days,
            Period::Month(_) => Ranking::Month,
        };
        let report = figures::report(&mut conn, days, before, ranking, MOST).await?;
        Ok(self.to_report(period, today, days, report))
    }

    fn to_report(&self, period: Period, today: NaiveDate, days: Days, report: Report) -> VolumeReport {
        let volume = |day| report.days.get(&day).copied().unwrap_or_default();
        let named = |parts: Vec<Part>, name: &dyn Fn(&Part) -> (String, Option<String>)| {
            parts
                .into_iter()
                .map(|part| {
                    let (name, note) = name(&part);
                    NamedVolume { name, note, volume: part.volume, ratings: part.ratings }
                })
                .collect()
        };
        VolumeReport {
            period,
            computed_at: report.computed_at,
            total: report.days.values().copied().sum(),
            before: report.before,
            days: days.iter().map(|day| DayVolume { day, volume: volume(day) }).collect(),
            models: named(report.models, &|part| (part.name.clone().unwrap_or(part.key.clone()), None)),
            providers: named(report.providers, &|part| (provider_name(&part.key).to_owned(), None)),
            routes: named(report.routes, &route_name),
            plans: named(report.plans, &|part| (self.plans.name_of(&part.key), None)),
            outcomes: named(report.outcomes, &|part| (outcome(&part.key).to_owned(), None)),
            people: report.people.into_iter().map(|part| self.to_person(part)).collect(),
            explosions: report.explosions.into_iter().map(to_explosion).collect(),
            months: months_since(report.first_day.unwrap_or(today), today),
        }
    }

    fn to_person(&self, part: PersonPart) -> PersonVolume {
        PersonVolume { person: part.person, plan_name: self.plans.name_of(&part.plan), volume: part.volume }
    }

    /// For an export: the days of a period.
    pub(crate) async fn days(&self, _: &Operator, period: Period) -> AppResult<Days> {
        Ok(period.days(today(&mut *self.db.get().await?).await?))
    }

    /// For an export: the next rows, as many as are read at once, and where to go on; None: these are the last.
    pub(crate) async fn export_rows(
        &self,
        _: &Operator,
        days: Days,
        after: Option<FileRow>,
    ) -> AppResult<(Vec<FileRow>, Option<FileRow>)> {
        let mut conn = self.db.get().await?;
        let rows = figure_files::list_rows(&mut conn, days, after.as_ref(), EXPORT_PAGE).await?;
        let next = last_of_full(&rows).cloned();
        Ok((rows, next))
    }

    /// The same for what each person used.
    pub(crate) async fn export_people(
        &self,
        _: &Operator,
        days: Days,
        after: AccountId,
    ) -> AppResult<(Vec<PersonVolume>, Option<AccountId>)> {
        let rows = figure_files::list_people(&mut *self.db.get().await?, days, after, EXPORT_PAGE).await?;
        let next = last_of_full(&rows).map(|row| row.account_id);
        Ok((rows.into_iter().map(|row| self.to_person(row)).collect(), next))
    }
}

fn last_of_full<Row>(rows: &[Row]) -> Option<&Row> {
    let is_full = i64::try_from(rows.len()) == Ok(EXPORT_PAGE);
    rows.last().filter(|_| is_full)
}

/// Of a provider or a route.
const NOBODY: &str = "No route answered";

fn provider_name(key: &str) -> &str {
    if key.is_empty() { NOBODY } else { key }
}

fn route_name(part: &Part) -> (String, Option<String>) {
    match part.key.as_str() {
        "" => (NOBODY.to_owned(), None),
        key => (key.to_owned(), Some(part.name.clone().unwrap_or("not in the catalog".to_owned()))),
    }
}

/// In words, as recorded.
fn outcome(state: &str) -> &str {
    match state {
        "finished" => "Complete",
        "limited" => "Cut at the length limit",
        "stopped" => "Stopped by the person",
        "failed" => "Failed before the first word",
        "interrupted" => "Broke off",
        other => other,
    }
}

fn to_explosion(explosion: figures::Explosion) -> CostExplosion {
    let figures::Explosion { day, person, charged, cost, usual } = explosion;
    CostExplosion { day, person, charged, cost, usual }
}

fn figures_of_day(read: &figures::Overview, day: NaiveDate) -> Figures {
    let total = read.totals.iter().find(|total| total.day == day);
    Figures {
        active_people: total.map_or(0, |total| total.active_people.unsigned_abs()),
        ..figures_of(read, Days { first: day, last: day })
    }
}

fn figures_of(read: &figures::Overview, days: Days) -> Figures {
    let is_among = |day: NaiveDate| (days.first..=days.last).contains(&day);
    let totals: Vec<&DayTotal> = read.totals.iter().filter(|total| is_among(total.day)).collect();
    let attempts: Vec<&Attempts> = read.attempts.iter().filter(|attempts| is_among(attempts.day)).collect();
    // What is so at the end of a day is so at the end of the last one that was added up.
    let last = totals.last();
    let count = |count: Option<i64>| count.map(i64::unsigned_abs);
    let steps = steps(&attempts);
    let asked = |only_failed: bool| {
        let counted = attempts.iter().filter(|attempts| !only_failed || has_failed(&attempts.outcome));
        counted.map(|attempts| attempts.attempts.unsigned_abs()).sum()
    };
    Figures {
        active_people: last.map_or(0, |total| total.active_people_30_days.unsigned_abs()),
        new_people: totals.iter().map(|total| total.new_people.unsigned_abs()).sum(),
        paying: last.and_then(|total| count(total.paying)),
        past_due: last.and_then(|total| count(total.past_due)),
        recurring: last.and_then(|total| total.recurring_nanos).map(Nanos),
        churned: totals.iter().filter_map(|total| count(total.churned)).reduce(|one, other| one + other),
        volume: read.volumes.range(days.first..=days.last).map(|(_, volume)| *volume).sum::<Volume>(),
        ratings: days.iter().filter_map(|day| read.ratings.get(&day).copied()).sum(),
        attempts: asked(false),
        failed_attempts: asked(true),
        first_token_ms_p50: percentile(&steps, 0.5),
        first_token_ms_p95: percentile(&steps, 0.95),
    }
}

/// How many first tokens came within each step of time.
fn steps(attempts: &[&Attempts]) -> Vec<(i32, u64)> {
    let mut steps = BTreeMap::new();
    for attempts in attempts.iter().filter(|attempts| attempts.first_token_ms > 0) {
        *steps.entry(attempts.first_token_ms).or_default() += attempts.attempts.unsigned_abs();
    }
    steps.into_iter().collect()
}

#[async_trait]
impl FiguresApi for FiguresService {
    async fn read_overview(&self, operator: &Operator) -> ApiResult<Overview> {
        reported(operator.actor(), self.overview()).await
    }

    async fn report(&self, operator: &Operator, period: Period) -> ApiResult<VolumeReport> {
        reported(operator.actor(), self.volume_report(period)).await
    }
}
