//! A backend that always answers the same.

mod admin;
mod api_keys;
pub mod billing;
pub mod caps;
pub mod erasure;
mod notices;
pub mod usage;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::api::{AccountApi, Backend, ChatApi, QuotaApi, ReplyStream};
use crate::types::*;
use crate::{ApiError, ApiResult};

pub const FINISHED_THREAD: &str = "0190a0b0-0000-7000-8000-000000000001";
pub const INTERRUPTED_THREAD: &str = "0190a0b0-0000-7000-8000-000000000003";
pub const BLANK_THREAD: &str = "0190a0b0-0000-7000-8000-000000000004";
/// Cannot be read at the moment.
pub const UNREADABLE_THREAD: &str = "0190a0b0-0000-7000-8000-000000000005";

pub fn backend(billing: billing::Fake) -> Backend {
    Backend {
        account: Arc::new(Fake),
        admin: admin::backend(),
        api_keys: Arc::new(api_keys::Fake),
        billing: Arc::new(billing),
        caps: Arc::new(caps::Fake),
        chat: Arc::new(Fake),
        erasure: Arc::new(erasure::Fake),
        links: links(),
        notices: Arc::new(notices::Fake),
        quota: Arc::new(Fake),
        usage: Arc::new(usage::Fake),
    }
}

fn links() -> SiteLinks {
    SiteLinks {
        support: Some("mailto:help@example.com".to_owned()),
        terms: Some("https://example.com/terms".to_owned()),
        privacy: None,
    }
}

/// Somebody with more conversations than fit on a page of their list.
pub const TALKATIVE: UserId = UserId(Uuid::from_u128(8));

/// Somebody whose account is to be erased.
pub const LEAVING: UserId = UserId(Uuid::from_u128(10));

struct Fake;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000, 0).expect("a time")
}

fn thread(id: &str, title: &str) -> Thread {
    Thread { id: id.parse().expect("an id"), title: title.to_owned(), updated_at: now() }
}

fn message(id: u128, role: Role, content: &str, state: Option<ReplyState>) -> Message {
    let parent_id = (id > 1).then(|| MessageId(Uuid::from_u128(id - 1)));
    let charged = state.map(|_| Nanos(1_234_500));
    let (id, model) = (MessageId(Uuid::from_u128(id)), state.map(|_| "small".to_owned()));
    Message { state, charged, model, ..Message::new(id, parent_id, role, content, now()) }
}

const ANSWER: &str = "# Sliding windows

A **sliding window** counts the requests of the *last* 60 seconds, whenever you ask. See [the notes](https://example.com).

1. Each request is written down with its time.
2. Older ones are dropped.
3. If fewer than the limit are left, the next one fits.

```rust
fn fits(times: &[u64], now: u64, limit: usize) -> bool {
    let recent = times.iter().filter(|time| now - **time < 60_000).count();
    recent < limit // and never a boundary where twice as many fit, as a fixed window has it
}
```

| Window | Burst at the edge |
| --- | --- |
| fixed | twice the limit |
| sliding | none |

> Exactness costs one sorted set for each account.

<script>alert(1)</script>";

fn answer(id: u128, text: &str, state: ReplyState) -> Message {
    message(id, Role::Assistant, text, Some(state))
}

fn versions<const COUNT: usize>(ids: [u128; COUNT]) -> Vec<MessageId> {
    ids.map(|id| MessageId(Uuid::from_u128(id))).to_vec()
}

/// A question that was edited, and an answer between two others.
fn finished_conversation() -> Conversation {
    let question = "How does a sliding window count?\n</textarea><script>alert(1)</script>";
    let messages = vec![
        message(1, Role::User, question, None),
        answer(2, ANSWER, ReplyState::Finished),
        Message { versions: versions([3, 13]), ..message(3, Role::User, "And in one sentence?", None) },
        Message {
            versions: versions([2, 4, 14]),
            ..answer(4, "It counts what happened in the last minute, wherever that", ReplyState::Stopped)
        },
        message(5, Role::User, "Go on", None),
        answer(6, "", ReplyState::Failed),
    ];
    let thread = thread(FINISHED_THREAD, "How a sliding window counts");
    let last = messages[1].id;
    let forgotten = vec![Forgotten { model: "small".to_owned(), last }];
    Conversation { thread, messages, live_reply: None, forgotten }
}

/// An answer that was continued once, and interrupted again.
fn interrupted_conversation() -> Conversation {
    let reasoning =
        "A lease binds for years.\n\nWhat goes wrong most often? <b>Deposits</b>, then notice.".to_owned();
    let messages = vec![
        message(1, Role::User, "What should I check before I sign a lease?", None),
        Message { reasoning, ..answer(2, "First the deposit: how much it is and", ReplyState::Limited) },
        Message {
            model: Some("large".to_owned()),
            ..answer(3, "when it comes back. Then", ReplyState::Interrupted)
        },
    ];
    Conversation {
        thread: thread(INTERRUPTED_THREAD, "Lease: what to check"),
        messages,
        live_reply: None,
        forgotten: vec![],
    }
}

/// An answer whose length was used up by what its provider does not show.
fn blank_conversation() -> Conversation {
    let question = message(1, Role::User, "Which of these leases is the best?", None);
    let messages = vec![question, answer(2, "", ReplyState::Limited)];
    Conversation {
        thread: thread(BLANK_THREAD, "The best lease"),
        messages,
        live_reply: None,
        forgotten: vec![],
    }
}

fn model(key: &str, name: &str, description: &str, (input, output): (i64, i64)) -> Model {
    let prices = ModelPrices { input: Nanos(input), cached_input: Nanos(input / 2), output: Nanos(output) };
    let [key, name, description] = [key, name, description].map(str::to_owned);
    Model { key, name, description, prices, is_included: true }
}

#[async_trait::async_trait]
impl AccountApi for Fake {
    async fn read_user(&self, actor: &Actor) -> ApiResult<Option<User>> {
        Ok(actor.reader().ok().map(|user| User {
            display_name: "Ada Marlow".to_owned(),
            email: Some("ada@example.com".to_owned()),
            has_verified_email: false,
            providers: vec!["Example ID".to_owned()],
            is_operator: user.is_operator,
            viewing: user.impersonator.map(|operator| operator.viewing),
            erase_at: (user.user_id == LEAVING).then(erasure::erase_at),
        }))
    }

    async fn list_sign_in_methods(&self) -> ApiResult<Vec<SignInMethod>> {
        let method = |key: &str, name: &str| SignInMethod { key: key.to_owned(), name: name.to_owned() };
        Ok(vec![method("oidc", "Example ID"), method("github", "GitHub")])
    }

    async fn list_sessions(&self, _: &Actor) -> ApiResult<Vec<Session>> {
        let session = |id, device: &str, is_current| Session {
            id: SessionId(Uuid::from_u128(id)),
            device: device.to_owned(),
            created_at: now() - TimeDelta::days(3),
            last_seen_at: now(),
            is_current,
        };
        Ok(vec![session(1, "Firefox on Linux", true), session(2, "Safari on iPhone", false)])
    }

    async fn revoke_session(&self, _: &Actor, _: SessionId) -> ApiResult<()> {
        Ok(())
    }

    async fn sign_out(&self, _: &Actor) -> ApiResult<()> {
        Ok(())
    }

    async fn sign_out_everywhere(&self, _: &Actor) -> ApiResult<()> {
        Ok(())
    }

    async fn end_visit(&self, _: &Actor) -> ApiResult<Option<UserId>> {
        Ok(None)
    }
}

#[async_trait::async_trait]
impl ChatApi for Fake {
    async fn list_threads(&self, actor: &Actor) -> ApiResult<Vec<Thread>> {
        if actor.user()?.user_id == TALKATIVE {
            let many = (1..=Thread::LISTED).rev();
            return Ok(many
                .map(|id| thread(&Uuid::from_u128(id.into()).to_string(), "One of many"))
                .collect());
        }
        let other = |number: u8| format!("0190a0b0-0000-7000-8000-0000000000{number:02}");
        Ok(vec![
            thread(FINISHED_THREAD, "How a sliding window counts"),
            thread(&other(2), "A polite e-mail about Thursday and a title that is far too long for its line"),
            thread(&other(3), "Lease: what to check"),
        ])
    }

    async fn list_older_threads(&self, _: &Actor, _: ThreadPlace) -> ApiResult<Vec<Thread>> {
        Ok(vec![])
    }

    async fn search_threads(&self, _: &Actor, _: String) -> ApiResult<Vec<FoundThread>> {
        Ok(vec![])
    }

    async fn read_thread(&self, actor: &Actor, id: ThreadId) -> ApiResult<Conversation> {
        actor.user()?;
        match id.to_string().as_str() {
            FINISHED_THREAD => Ok(finished_conversation()),
            INTERRUPTED_THREAD => Ok(interrupted_conversation()),
            BLANK_THREAD => Ok(blank_conversation()),
            UNREADABLE_THREAD => Err(ApiError::Unavailable { retry_after_seconds: 10 }),
            _ => Err(ApiError::NotFound),
        }
    }

    async fn show_version(&self, _: &Actor, _: MessageId) -> ApiResult<Conversation> {
        Ok(finished_conversation())
    }

    async fn rename_thread(&self, _: &Actor, _: ThreadId, _: String) -> ApiResult<()> {
        Ok(())
    }

    async fn delete_thread(&self, _: &Actor, _: ThreadId) -> ApiResult<()> {
        Ok(())
    }

    async fn restore_thread(&self, _: &Actor, _: ThreadId) -> ApiResult<()> {
        Ok(())
    }

    async fn list_models(&self, actor: &Actor) -> ApiResult<Vec<Model>> {
        actor.user()?;
        Ok(vec![
            model("small", "Small", "Quick and cheap, for everyday questions.", (150_000_000, 600_000_000)),
            model("large", "Large", "Takes its time over hard questions.", (2_500_000_000, 10_000_000_000)),
            Model {
                is_included: false,
                ..model(
                    "huge",
                    "Huge, with a name too long for a phone",
                    "The most thorough.",
                    (15_000_000_000, 75_000_000_000),
                )
            },
        ])
    }

    async fn start_reply(&self, _: &Actor, _: ReplyRequest) -> ApiResult<ReplyStream> {
        Err(ApiError::Connection)
    }

    async fn follow_reply(&self, _: &Actor, _: GenerationId, _: u32) -> ApiResult<ReplyStream> {
        Err(ApiError::Connection)
    }

    async fn stop_reply(&self, _: &Actor, _: GenerationId) -> ApiResult<()> {
        Ok(())
    }

    async fn rate_reply(&self, _: &Actor, _: MessageId, _: Rating) -> ApiResult<()> {
        Ok(())
    }

    async fn take_rating_back(&self, _: &Actor, _: MessageId) -> ApiResult<()> {
        Ok(())
    }
}

#[async_trait::async_trait]
impl QuotaApi for Fake {
    async fn read_quota(&self, actor: &Actor) -> ApiResult<Quota> {
        actor.user()?;
        let limit = |name, limit, remaining, resets_at| Limit {
            name,
            limit,
            used: limit - remaining,
            held: 0,
            remaining,
            resets_at,
        };
        Ok(Quota {
            plan_name: "Free".to_owned(),
            limits: vec![
                limit(LimitName::ConcurrentReplies, 2, 2, None),
                limit(LimitName::RequestsPerMinute, 5, 4, Some(now() + TimeDelta::seconds(42))),
                limit(LimitName::RequestsPerDay, 100, 19, Some(now() + TimeDelta::hours(3))),
                limit(LimitName::TokensPerMinute, 20_000, 18_560, Some(now() + TimeDelta::seconds(42))),
            ],
            credit: Credit {
                granted: Nanos::from_cents(50),
                held: Nanos(2_000_000),
                available: Nanos::from_cents(48),
                resets_at: now() + TimeDelta::days(12),
                overage: None,
            },
            caps: vec![caps::monthly(), caps::of_thread()],
            alerts: vec![Alert { basis: AlertBasis::Cap, percent: 80 }],
            plan_cap: Some(CapTerms { limit: Nanos::from_cents(40), is_hard: true }),
            plan_thread_cap: Some(CapTerms { limit: Nanos::from_cents(30), is_hard: true }),
        })
    }

    async fn list_plans(&self) -> ApiResult<Vec<Plan>> {
        Ok(vec![Plan {
            key: "free".to_owned(),
            name: "Free".to_owned(),
            requests_per_minute: 5,
            requests_per_day: 100,
            tokens_per_minute: 20_000,
            concurrent_replies: 2,
            default_output_tokens: 4_096,
            monthly_credit: Nanos::from_cents(50),
            monthly_cap: Some(CapTerms { limit: Nanos::from_cents(40), is_hard: true }),
            thread_cap: Some(CapTerms { limit: Nanos::from_cents(30), is_hard: true }),
            overage_max: None,
        }])
    }
}
