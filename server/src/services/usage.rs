//! What was spent on what, and why: sums, the statement and receipts. Only reads.

mod reason;

use app::ApiResult;
use app::api::UsageApi;
use app::types::{
    AccountId, Actor, DayUsage, Days, EntryId, GenerationId, MessageId, Month, Period, Receipt, ReplyUsage,
    Statement, StatementEntry, Usage, UsageSummary,
};
use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};

pub(super) use self::reason::entry_reason;
use crate::AppResult;
use crate::error::reported;
pub(crate) use crate::store::receipts::Reply;
use crate::store::usage_reports::Report;
use crate::store::{Db, clock, receipts, statement, usage_reports};

/// The usage page shows this many of each; the exports have them all.
const MOST_REPLIES: i64 = 50;
const MOST_THREADS: i64 = 15;
const MOST_MONTHS: usize = 12;

/// Entries on a page of the statement.
pub(super) const STATEMENT_PAGE: i64 = 50;

/// Rows an export reads at once.
const EXPORT_PAGE: i64 = 1000;

#[derive(Clone)]
pub struct UsageService {
    db: Db,
}

impl UsageService {
    pub fn new(db: Db) -> Self {
        Self { db }
    }

    async fn summary(&self, account_id: AccountId, period: Period) -> AppResult<UsageSummary> {
        let mut conn = self.db.get().await?;
        let today = clock::today(&mut conn).await?;
        let (days, before) = (period.days(today), period.days_before(today));
        let report = usage_reports::read(&mut conn, account_id, days, before, MOST_THREADS).await?;
        Ok(summarize(period, today, days, report))
    }

    async fn replies(&self, account_id: AccountId, period: Period) -> AppResult<Vec<ReplyUsage>> {
        let mut conn = self.db.get().await?;
        let days = period.days(clock::today(&mut conn).await?);
        Ok(usage_reports::list_replies(&mut conn, account_id, days, MOST_REPLIES).await?)
    }

    pub(super) async fn statement(
        &self,
        account_id: AccountId,
        before: Option<EntryId>,
        most: i64,
    ) -> AppResult<Statement> {
        // One more than shown tells whether there is more.
        let found = statement::list(&mut *self.db.get().await?, account_id, before, most + 1).await?;
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let has_more = found.len() > most;
        let entries: Vec<_> = found.into_iter().take(most).map(to_statement_entry).collect();
        let next = entries.last().filter(|_| has_more).map(|entry| entry.id);
        Ok(Statement { entries, next })
    }

    async fn receipt(&self, account_id: AccountId, id: GenerationId) -> AppResult<Receipt> {
        let mut conn = self.db.get().await?;
        let Reply { id, thread, model, state, asked_at, ended_at, charge } =
            receipts::find(&mut conn, account_id, id).await?;
        let entries = receipts::list_entries(&mut conn, account_id, id).await?;
        Ok(Receipt {
            generation_id: id,
            thread,
            model,
            state,
            asked_at,
            ended_at,
            held: receipts::find_hold(&mut conn, id).await?,
            charge,
            attempts: receipts::list_attempts(&mut conn, id).await?,
            entries: entries.into_iter().map(to_statement_entry).collect(),
        })
    }

    /// The reply that wrote a message.
    pub(crate) async fn reply_of_message(
        &self,
        account_id: AccountId,
        id: MessageId,
    ) -> AppResult<GenerationId> {
        Ok(receipts::find_by_message(&mut *self.db.get().await?, account_id, id).await?)
    }

    /// For an export: the next entries of the statement, as many as are read at once.
    pub(crate) async fn export_statement(
        &self,
        account_id: AccountId,
        before: Option<EntryId>,
    ) -> AppResult<Statement> {
        self.statement(account_id, before, EXPORT_PAGE).await
    }

    /// For an export: the moments between which replies are of this period; of all, without one.
    pub(crate) async fn bounds(&self, period: Option<Period>) -> AppResult<(DateTime<Utc>, DateTime<Utc>)> {
        let today = clock::today(&mut *self.db.get().await?).await?;
        Ok(match period {
            Some(period) => period.days(today).bounds(),
            None => Days { first: NaiveDate::default(), last: today }.bounds(),
        })
    }

    /// For an export: the next replies, as many as are read at once, and where to go on; None: these are the last.
    pub(crate) async fn export_replies(
        &self,
        account_id: AccountId,
        from: DateTime<Utc>,
        before: (DateTime<Utc>, GenerationId),
    ) -> AppResult<(Vec<Reply>, Option<(DateTime<Utc>, GenerationId)>)> {
        let mut conn = self.db.get().await?;
        let replies = receipts::list(&mut conn, account_id, from, before, EXPORT_PAGE).await?;
        let is_full = i64::try_from(replies.len()) == Ok(EXPORT_PAGE);
        let place = |reply: &Reply| Some((reply.charge.as_ref()?.settled_at, reply.id));
        let next = replies.last().filter(|_| is_full).and_then(place);
        Ok((replies, next))
    }
}

fn summarize(period: Period, today: NaiveDate, days: Days, report: Report) -> UsageSummary {
    let total: Usage = report.days.iter().map(|day| day.usage).sum();
    let of_listed: Usage = report.threads.iter().map(|thread| thread.usage).sum();
    let of_day = |day| report.days.iter().find(|known| known.day == day);
    let usage_of = |day| of_day(day).map(|known| known.usage).unwrap_or_default();
    let first_used = report.first_used_at.map_or(today, |at| at.date_naive());
    UsageSummary {
        period,
        total,
        before: report.before,
        days: days.iter().map(|day| DayUsage { day, usage: usage_of(day) }).collect(),
        other_threads: total - of_listed,
        models: report.models,
        threads: report.threads,
        months: months_since(first_used, today),
    }
}

/// Newest first.
pub(super) fn months_since(first: NaiveDate, today: NaiveDate) -> Vec<Month> {
    let months = std::iter::successors(Some(Month::of(today)), |month| Some(month.previous()));
    months.take(MOST_MONTHS).take_while(|month| *month >= Month::of(first.min(today))).collect()
}

fn to_statement_entry(entry: statement::Entry) -> StatementEntry {
    StatementEntry {
        id: entry.id,
        reason: entry_reason(&entry.cause, entry.about),
        amount: entry.amount,
        balance: entry.balance,
        created_at: entry.created_at,
    }
}

#[async_trait]
impl UsageApi for UsageService {
    async fn summarize(&self, actor: &Actor, period: Period) -> ApiResult<UsageSummary> {
        let user = actor.reader()?;
        reported(actor, self.summary(user.account_id, period)).await
    }

    async fn list_replies(&self, actor: &Actor, period: Period) -> ApiResult<Vec<ReplyUsage>> {
        let user = actor.reader()?;
        reported(actor, self.replies(user.account_id, period)).await
    }

    async fn read_statement(&self, actor: &Actor, before: Option<EntryId>) -> ApiResult<Statement> {
        let user = actor.reader()?;
        reported(actor, self.statement(user.account_id, before, STATEMENT_PAGE)).await
    }

    async fn read_receipt(&self, actor: &Actor, id: GenerationId) -> ApiResult<Receipt> {
        let user = actor.reader()?;
        reported(actor, self.receipt(user.account_id, id)).await
    }
}

#[cfg(test)]
mod tests {
    use super::months_since;

    #[test]
    fn the_months_go_back_to_the_first_use_and_no_further_than_a_year() {
        let months = |first: &str| {
            let (first, today) = (first.parse().expect("a day"), "2026-02-03".parse().expect("a day"));
            months_since(first, today).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(months("2025-12-31"), ["2026-02", "2026-01", "2025-12"]);
        assert_eq!(months("2026-02-04"), ["2026-02"]);
        assert_eq!(months("2001-01-01").len(), 12);
    }
}
