//! What was spent, always the same.

use chrono::{NaiveDate, TimeDelta};
use uuid::Uuid;

use super::{FINISHED_THREAD, now};
use crate::api::UsageApi;
use crate::types::*;
use crate::{ApiError, ApiResult};

pub const CHARGED_REPLY: &str = "0190a0b0-0000-7000-8000-000000000101";
pub const FAILED_REPLY: &str = "0190a0b0-0000-7000-8000-000000000102";

pub struct Fake;

fn label(is_deleted: bool) -> ThreadLabel {
    let title = "How a sliding window <b>counts</b>".to_owned();
    ThreadLabel { id: FINISHED_THREAD.parse().expect("an id"), title, is_deleted, is_program: false }
}

fn usage(replies: u64, charged: i64) -> Usage {
    Usage {
        replies,
        input_tokens: 412 * replies,
        cached_input_tokens: 12,
        output_tokens: 1_028 * replies,
        charged: Nanos(charged),
    }
}

fn today() -> NaiveDate {
    now().date_naive()
}

/// 1,000 tokens read, 400 of them cached, 700 written: $0.00054.
fn charge() -> Charge {
    let [input, cached_input, output] = [150_000_000, 75_000_000, 600_000_000].map(Nanos);
    Charge {
        input_tokens: 1_000,
        cached_input_tokens: 400,
        output_tokens: 700,
        reasoning_tokens: 200,
        is_estimated: true,
        is_provisional: false,
        route: Some("everyday-second".to_owned()),
        price_version: 3,
        prices: ModelPrices { input, cached_input, output },
        charged: Nanos(540_000),
        settled_at: now(),
    }
}

fn attempt(route: &str, outcome: &str, first_token_ms: Option<u32>) -> ReceiptAttempt {
    ReceiptAttempt {
        route: route.to_owned(),
        outcome: outcome.to_owned(),
        is_used: first_token_ms.is_some(),
        first_token_ms,
        duration_ms: 2_350,
    }
}

fn entry(id: u128, reason: EntryReason, amount: i64, balance: i64) -> StatementEntry {
    let (id, created_at) = (EntryId(Uuid::from_u128(id)), now());
    StatementEntry { id, reason, amount: Nanos(amount), balance: Nanos(balance), created_at }
}

fn reply_entry() -> StatementEntry {
    let generation_id = CHARGED_REPLY.parse().expect("an id");
    entry(2, EntryReason::Reply { generation_id, thread: label(false) }, -540_000, 499_460_000)
}

#[async_trait::async_trait]
impl UsageApi for Fake {
    async fn summarize(&self, actor: &Actor, period: Period) -> ApiResult<UsageSummary> {
        actor.user()?;
        let days = period.days(today()).iter();
        let total = usage(3, 1_332_500);
        Ok(UsageSummary {
            period,
            total,
            before: usage(1, 98_000),
            days: days
                .map(|day| DayUsage { day, usage: if day == today() { total } else { Usage::default() } })
                .collect(),
            models: vec![ModelUsage { name: "Small".to_owned(), usage: total }],
            threads: vec![
                ThreadUsage { thread: label(false), usage: usage(1, 1_000_000) },
                ThreadUsage { thread: label(true), usage: usage(1, 300_000) },
            ],
            other_threads: usage(1, 32_500),
            months: vec![Month::of(today()), Month::of(today()).previous()],
        })
    }

    async fn list_replies(&self, actor: &Actor, _: Period) -> ApiResult<Vec<ReplyUsage>> {
        actor.user()?;
        let reply = |id: &str, is_estimated, charged| ReplyUsage {
            generation_id: id.parse().expect("an id"),
            thread: label(false),
            model: "Small".to_owned(),
            input_tokens: 412,
            output_tokens: 1_028,
            is_estimated,
            charged: Nanos(charged),
            created_at: now() - TimeDelta::minutes(7),
        };
        Ok(vec![reply(CHARGED_REPLY, false, 1_234_500), reply(FAILED_REPLY, true, 98_000)])
    }

    async fn read_statement(&self, actor: &Actor, before: Option<EntryId>) -> ApiResult<Statement> {
        actor.user()?;
        let month = Month::of(today());
        let credit = entry(1, EntryReason::MonthlyCredit { month }, 500_000_000, 500_000_000);
        Ok(match before {
            None => Statement { next: Some(reply_entry().id), entries: vec![reply_entry()] },
            Some(_) => Statement { next: None, entries: vec![credit] },
        })
    }

    async fn read_receipt(&self, actor: &Actor, id: GenerationId) -> ApiResult<Receipt> {
        actor.user()?;
        let receipt = Receipt {
            generation_id: id,
            thread: label(false),
            model: "Small".to_owned(),
            state: ReplyState::Finished,
            asked_at: now(),
            ended_at: Some(now()),
            held: Nanos(2_000_000),
            charge: Some(charge()),
            attempts: vec![
                attempt("everyday-first", "overloaded", None),
                attempt("everyday-second", "finished", Some(840)),
            ],
            entries: vec![reply_entry()],
        };
        match id.to_string().as_str() {
            CHARGED_REPLY => Ok(receipt),
            FAILED_REPLY => Ok(Receipt {
                state: ReplyState::Failed,
                charge: Some(Charge {
                    input_tokens: 0,
                    cached_input_tokens: 0,
                    output_tokens: 0,
                    reasoning_tokens: 0,
                    is_estimated: false,
                    route: None,
                    charged: Nanos::ZERO,
                    ..charge()
                }),
                attempts: vec![attempt("everyday-first", "unavailable", None)],
                entries: vec![],
                ..receipt
            }),
            _ => Err(ApiError::NotFound),
        }
    }
}
