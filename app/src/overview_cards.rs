//! What the cards of the operators' overview say: each figure of today and of 30 days, beside the 30 days before.

use chrono::NaiveDate;

use crate::types::{DayFigures, Figures, Nanos, Overview};
use crate::wording::figures::{growth, money, percent, share, short_count};
use crate::wording::usage::{count, duration};

/// One figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FigureCard {
    /// In the page.
    pub id: &'static str,
    pub title: &'static str,
    /// Of 30 days, or at their end.
    pub value: String,
    /// More about it, such as of today.
    pub note: Option<String>,
    /// The 30 days before.
    pub before: String,
    /// By day, oldest first. None: nobody knows.
    pub days: Vec<(NaiveDate, Option<i64>)>,
    pub unit: Unit,
}

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Count,
    Nanos,
    /// Hundredths of a percent.
    Share,
    Milliseconds,
}

impl Unit {
    pub fn text(self, value: i64) -> String {
        let size = value.unsigned_abs();
        match self {
            Self::Count => count(size),
            Self::Nanos => money(Nanos(value)),
            Self::Share => percent(size),
            Self::Milliseconds => duration(u32::try_from(size).unwrap_or(u32::MAX)),
        }
    }

    /// Where there is little room.
    pub fn short(self, value: i64) -> String {
        match self {
            Self::Count => short_count(value.unsigned_abs()),
            Self::Nanos if value % Nanos::PER_DOLLAR == 0 => {
                format!("${}", short_count((value / Nanos::PER_DOLLAR).unsigned_abs()))
            }
            Self::Share if value % 100 == 0 => format!("{}%", value / 100),
            unit => unit.text(value),
        }
    }
}

type Of = fn(&Figures) -> Option<i64>;

fn number(count: u64) -> Option<i64> {
    i64::try_from(count).ok()
}

pub fn people_cards(overview: &Overview) -> Vec<FigureCard> {
    let churn_days: Of = |figures| figures.churned.and_then(number);
    let churn = |churned: Option<u64>, paying: Option<u64>| share(churned?, paying?).map(percent);
    let past_due = overview.total.past_due.map(|past_due| format!("{} past due", count(past_due)));
    let churned = overview.total.churned.map(|churned| format!("{} stopped paying", count(churned)));
    vec![
        flow(overview, "active", "People active", Unit::Count, |figures| number(figures.active_people)),
        flow(overview, "new", "New people", Unit::Count, |figures| number(figures.new_people)),
        level(overview, "paying", "Paying", Unit::Count, |figures| figures.paying.and_then(number))
            .noted(past_due),
        level(overview, "past-due", "Past due", Unit::Count, |figures| figures.past_due.and_then(number)),
        level(overview, "recurring", "Monthly recurring revenue", Unit::Nanos, |figures| {
            Some(figures.recurring?.0)
        }),
        FigureCard {
            value: churn(overview.total.churned, overview.before.paying).unwrap_or_else(unknown),
            ..flow(overview, "churn", "Churn", Unit::Count, churn_days)
        }
        .noted(churned)
        .compared(overview.before.churned.map(|churned| format!("{} in the 30 days before", count(churned)))),
    ]
}

pub fn usage_cards(overview: &Overview) -> Vec<FigureCard> {
    let margin = |figures: &Figures| Some(figures.volume.margin().0);
    let of_charged = |figures: &Figures| {
        let Nanos(charged) = figures.volume.charged;
        (charged > 0).then(|| figures.volume.margin().0 * 100 / charged)
    };
    let margin_share = of_charged(&overview.total).map(|share| format!("{share}% of what was charged"));
    vec![
        flow(overview, "requests", "Requests", Unit::Count, |figures| number(figures.volume.replies)),
        flow(overview, "tokens", "Tokens", Unit::Count, |figures| number(figures.volume.tokens())),
        flow(overview, "charged", "Charged", Unit::Nanos, |figures| Some(figures.volume.charged.0)),
        flow(overview, "cost", "Our cost", Unit::Nanos, |figures| Some(figures.volume.cost.0)),
        flow(overview, "margin", "Margin", Unit::Nanos, margin).noted(margin_share),
    ]
}

pub fn quality_cards(overview: &Overview) -> Vec<FigureCard> {
    let attempts = share(overview.total.failed_attempts, overview.total.attempts);
    let attempts = attempts.map(|failed| format!("{} of the calls to providers", percent(failed)));
    let errors: Of = |figures| number(share(figures.volume.failed, figures.volume.replies)?);
    let rated: Of = |figures| number(share(figures.ratings.good, figures.ratings.count())?);
    let ratings = match overview.total.ratings.count() {
        1 => "1 rating".to_owned(),
        ratings => format!("{} ratings", count(ratings)),
    };
    let first_token = |id, title, of: Of| rate(overview, id, title, Unit::Milliseconds, of);
    vec![
        rate(overview, "errors", "Replies that failed", Unit::Share, errors).noted(attempts),
        first_token("p50", "First token, half of the replies", |figures| {
            figures.first_token_ms_p50.map(i64::from)
        }),
        first_token("p95", "First token, 95 of 100", |figures| figures.first_token_ms_p95.map(i64::from)),
        rate(overview, "ratings", "Answers rated good", Unit::Share, rated).noted(Some(ratings)),
    ]
}

/// What adds up over the days.
fn flow(overview: &Overview, id: &'static str, title: &'static str, unit: Unit, of: Of) -> FigureCard {
    let today = overview.days.last().and_then(|day| of(&day.figures));
    let card = rate(overview, id, title, unit, of);
    let (now, before) = (of(&overview.total), of(&overview.before));
    let growth = now.zip(before).and_then(|(now, before)| growth(now, before));
    FigureCard { before: join([Some(card.before), growth]), ..card }
        .noted(today.map(|today| format!("{} today so far", unit.text(today))))
}

/// What is so at the end of a day.
fn level(overview: &Overview, id: &'static str, title: &'static str, unit: Unit, of: Of) -> FigureCard {
    let (now, before) = (of(&overview.total), of(&overview.before));
    let growth = now.zip(before).and_then(|(now, before)| growth(now, before));
    let then = before.map(|before| format!("30 days ago: {}", unit.text(before)));
    FigureCard { note: None, ..rate(overview, id, title, unit, of) }
        .compared(then.map(|then| join([Some(then), growth])))
}

/// What neither adds up nor lasts.
fn rate(overview: &Overview, id: &'static str, title: &'static str, unit: Unit, of: Of) -> FigureCard {
    let text = |figures: &Figures| of(figures).map(|value| unit.text(value));
    let day = |day: &DayFigures| (day.day, of(&day.figures));
    FigureCard {
        id,
        title,
        value: text(&overview.total).unwrap_or_else(unknown),
        note: None,
        before: UNKNOWN_BEFORE.to_owned(),
        days: overview.days.iter().map(day).collect(),
        unit,
    }
    .compared(text(&overview.before).map(|before| format!("{before} in the 30 days before")))
}

impl FigureCard {
    fn noted(self, note: Option<String>) -> Self {
        Self { note: join_notes(self.note, note), ..self }
    }

    fn compared(self, before: Option<String>) -> Self {
        Self { before: before.unwrap_or_else(|| UNKNOWN_BEFORE.to_owned()), ..self }
    }
}

const UNKNOWN_BEFORE: &str = "Not known of the 30 days before";

fn unknown() -> String {
    "—".to_owned()
}

fn join_notes(one: Option<String>, other: Option<String>) -> Option<String> {
    Some(join([one, other])).filter(|text| !text.is_empty())
}

fn join(parts: [Option<String>; 2]) -> String {
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Ratings, Volume};

    fn overview() -> Overview {
        let figures = |replies, paying| Figures {
            paying,
            churned: paying.map(|_| 1),
            volume: Volume { replies, failed: 1, charged: Nanos(500), cost: Nanos(600), ..Volume::default() },
            ratings: if replies % 100 > 10 { Ratings { good: 3, bad: 1 } } else { Ratings::default() },
            ..Figures::default()
        };
        let day: NaiveDate = "2026-11-24".parse().expect("a day");
        let days = vec![
            DayFigures { day: day.pred_opt().expect("a day"), figures: figures(10, None) },
            DayFigures { day, figures: figures(22, Some(40)) },
        ];
        Overview { computed_at: None, days, total: figures(112, Some(40)), before: figures(100, Some(50)) }
    }

    fn card(cards: Vec<FigureCard>, id: &str) -> FigureCard {
        cards.into_iter().find(|card| card.id == id).expect("a card")
    }

    #[test]
    fn what_adds_up_is_told_of_30_days_of_today_and_of_the_30_days_before() {
        let requests = card(usage_cards(&overview()), "requests");
        assert_eq!((requests.value.as_str(), requests.note.as_deref()), ("112", Some("22 today so far")));
        assert_eq!(requests.before, "100 in the 30 days before · +12%");
        assert_eq!(requests.days.iter().map(|(_, value)| *value).collect::<Vec<_>>(), [Some(10), Some(22)]);
    }

    #[test]
    fn what_lasts_is_told_as_it_is_at_the_end() {
        let paying = card(people_cards(&overview()), "paying");
        assert_eq!((paying.value.as_str(), paying.before.as_str()), ("40", "30 days ago: 50 · −20%"));
        assert_eq!(paying.days[0].1, None, "nobody looked");
        let churn = card(people_cards(&overview()), "churn");
        assert_eq!(churn.value, "2.00%", "1 of 50");
    }

    #[test]
    fn a_loss_has_its_sign_and_what_is_not_known_is_not_zero() {
        assert_eq!(card(usage_cards(&overview()), "margin").value, "−$0.0000001");
        let first_token = card(quality_cards(&overview()), "p95");
        assert_eq!((first_token.value.as_str(), first_token.before.as_str()), ("—", UNKNOWN_BEFORE));
        let ratings = card(quality_cards(&overview()), "ratings");
        assert_eq!((ratings.value.as_str(), ratings.note.as_deref()), ("75.00%", Some("4 ratings")));
        assert_eq!(ratings.before, UNKNOWN_BEFORE, "nobody rated anything");
        assert_eq!(ratings.days.iter().map(|(_, value)| *value).collect::<Vec<_>>(), [None, Some(7_500)]);
    }

    #[test]
    fn a_scale_is_short() {
        assert_eq!(Unit::Count.short(20_000_000), "20M");
        assert_eq!(Unit::Nanos.short(5_000 * Nanos::PER_DOLLAR), "$5,000");
        assert_eq!(Unit::Nanos.short(Nanos::PER_DOLLAR / 2), "$0.50");
        assert_eq!([Unit::Share.short(500), Unit::Share.short(50)], ["5%", "0.50%"]);
        assert_eq!(Unit::Milliseconds.short(1_500), "1.5 s");
    }
}
