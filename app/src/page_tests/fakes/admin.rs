use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::{billing, now, usage};
use crate::api::admin::{
    AdminBackend, AuditLogApi, FiguresApi, JobsApi, NewLimits, NewPlan, PeopleApi, ProvidersApi, StripeApi,
    SystemApi,
};
use crate::api::{BillingApi, QuotaApi, UsageApi};
use crate::page_tests::somebody;
use crate::types::*;
use crate::{ApiError, ApiResult};

pub fn backend() -> AdminBackend {
    AdminBackend {
        audit: Arc::new(Fake),
        figures: Arc::new(Fake),
        jobs: Arc::new(Fake),
        people: Arc::new(Fake),
        providers: Arc::new(Fake),
        stripe: Arc::new(Fake),
        system: Arc::new(Fake),
    }
}

struct Fake;

fn label() -> PersonLabel {
    PersonLabel { id: UserId(Uuid::from_u128(7)), name: "Ada Marlow".to_owned() }
}

fn event(kind: Option<AuditKind>, operator: Option<PersonLabel>) -> AuditEvent {
    AuditEvent {
        id: AuditId(Uuid::from_u128(1)),
        at: now(),
        kind,
        operator,
        person: Some(label()),
        changes: vec![AuditChange {
            name: "operator".to_owned(),
            before: None,
            after: Some("true".to_owned()),
        }],
        reason: "She asked <b>nicely</b>".to_owned(),
        detail: "on the command line".to_owned(),
        address: Some("192.0.2.7".to_owned()),
        request_id: "0190a0b0-0000-7000-8000-000000000001".to_owned(),
    }
}

#[async_trait::async_trait]
impl AuditLogApi for Fake {
    async fn list(&self, _: &Operator, query: AuditQuery) -> ApiResult<AuditPage> {
        let operator = PersonLabel { id: UserId(Uuid::from_u128(8)), name: String::new() };
        let events = match query.kind {
            Some(AuditKind::SignedOut) => vec![],
            _ => vec![event(Some(AuditKind::OperatorAdded), Some(operator)), event(None, None)],
        };
        let failed_request = query.request_id.map(|_| FailedRequest {
            at: now(),
            method: "POST".to_owned(),
            route: "/api/chat/list_threads".to_owned(),
            status: 500,
        });
        Ok(AuditPage { events, next: Some(AuditId(Uuid::from_u128(1))), failed_request })
    }
}

fn person(id: u128, name: &str, standing: Standing) -> PersonSummary {
    PersonSummary {
        id: UserId(Uuid::from_u128(id)),
        display_name: name.to_owned(),
        email: Some("somebody.with.a.long.address@example.com".to_owned()),
        is_operator: id == 7,
        is_suspended: id == 9,
        plan_name: "Pro".to_owned(),
        standing,
        balance: Nanos::from_cents(1_234),
        spent_this_month: Nanos(7_500_000),
        last_seen_at: now(),
        created_at: now() - TimeDelta::days(40),
        erase_at: None,
        erased_at: None,
    }
}

/// Past due, with limits overridden and everything a person can have.
async fn whole_person() -> Person {
    let actor = somebody();
    let quota = super::Fake.read_quota(&actor).await.expect("a quota");
    let billing = billing::Fake::subscribed().read_billing(&actor).await.expect("a subscription");
    let plan_override = Some(PlanOverride { plan_name: "Pro".to_owned(), ends_at: now() });
    let billing = Billing { plan_override, ..billing };
    let told = |mailed_at, kept_at| ToldNotice {
        kind: Some(NoticeKind::Receipt),
        title: "Your receipt".to_owned(),
        created_at: now(),
        mailed_at,
        kept_at,
    };
    Person {
        summary: person(8, "Grace", Standing::PastDue { since: now(), grace_ends_at: now() }),
        account_id: AccountId(Uuid::from_u128(8)),
        has_verified_email: false,
        providers: vec!["Example ID".to_owned()],
        customer_id: Some("cus_1".to_owned()),
        customer_page: Some("https://dashboard.stripe.com/customers/cus_1".to_owned()),
        suspended_at: None,
        grace_until: Some(now()),
        billing,
        quota,
        limit_override: Some(LimitOverride {
            requests_per_minute: Some(50),
            requests_per_day: None,
            tokens_per_minute: None,
            concurrent_replies: None,
            ends_at: now(),
        }),
        plans: vec![("free".to_owned(), "Free".to_owned()), ("pro".to_owned(), "Pro".to_owned())],
        grants: [Some(now()), None]
            .map(|expires_at| LiveGrant {
                reason: EntryReason::Subscription,
                cause: "invoice:in_1".to_owned(),
                amount: Nanos::from_cents(500),
                remaining: Nanos::from_cents(400),
                held: Nanos::ZERO,
                expires_at,
            })
            .into(),
        holds: vec![OpenHold {
            generation_id: GenerationId(Uuid::from_u128(3)),
            amount: Nanos(2_000_000),
            expires_at: now(),
        }],
        sessions: vec![],
        failed_replies: [("overloaded", ReplyState::Failed), ("cut off", ReplyState::Interrupted)]
            .map(|(outcome, state)| FailedReply {
                id: GenerationId(Uuid::from_u128(3)),
                settled_at: now(),
                model: "everyday".to_owned(),
                state,
                route: Some("everyday-first".to_owned()),
                outcome: Some(outcome.to_owned()),
            })
            .into(),
        threads: vec![ThreadFacts {
            id: ThreadId(Uuid::from_u128(4)),
            created_at: now(),
            updated_at: now(),
            is_deleted: true,
            messages: 12,
            charged: Nanos(1),
        }],
        api_keys: [None, Some(now())]
            .map(|revoked_at| ApiKey {
                id: ApiKeyId(Uuid::from_u128(6)),
                name: "Nightly <b>nicely</b>".to_owned(),
                hint: "x_9Z".to_owned(),
                created_at: now(),
                last_used_at: revoked_at,
                revoked_at,
                used: Nanos::ZERO,
                cap: None,
            })
            .into(),
        notices: vec![told(Some(now()), None), told(None, Some(now())), told(None, None)],
        audit: AuditPage {
            events: vec![event(Some(AuditKind::Suspended), None)],
            next: None,
            failed_request: None,
        },
        form_id: FormId(Uuid::from_u128(5)),
    }
}

#[async_trait::async_trait]
impl PeopleApi for Fake {
    async fn list(&self, _: &Operator, query: PeopleQuery) -> ApiResult<PeoplePage> {
        let people = match query.search.as_deref() {
            Some("nobody") => vec![],
            _ => vec![
                person(7, "Ada Marlow", Standing::Active),
                person(8, "Grace", Standing::PastDue { since: now(), grace_ends_at: now() }),
                person(9, "Somebody", Standing::Free),
            ],
        };
        let next = Some(PeoplePlace { value: 0, id: Uuid::from_u128(9) });
        let plans = [("free", "Free"), ("pro", "Pro")].map(|(key, name)| (key.to_owned(), name.to_owned()));
        Ok(PeoplePage { people, next, plans: plans.into() })
    }

    async fn read(&self, _: &Operator, id: UserId) -> ApiResult<Person> {
        match id.0.as_u128() {
            404 => Err(ApiError::NotFound),
            _ => Ok(whole_person().await),
        }
    }

    async fn read_statement(&self, _: &Operator, _: UserId, before: Option<EntryId>) -> ApiResult<Statement> {
        usage::Fake.read_statement(&somebody(), before).await
    }

    async fn give_credit(
        &self,
        _: &Operator,
        _: UserId,
        _: FormId,
        _: Nanos,
        _: Option<u32>,
        _: Reason,
    ) -> ApiResult<()> {
        Ok(())
    }

    async fn take_credit(&self, _: &Operator, _: UserId, _: FormId, _: Nanos, _: Reason) -> ApiResult<()> {
        Ok(())
    }

    async fn set_suspended(&self, _: &Operator, _: UserId, _: bool, _: Reason) -> ApiResult<()> {
        Ok(())
    }

    async fn sign_out(&self, _: &Operator, _: UserId, _: Reason) -> ApiResult<()> {
        Ok(())
    }

    async fn revoke_api_key(&self, _: &Operator, _: UserId, _: ApiKeyId, _: Reason) -> ApiResult<()> {
        Ok(())
    }

    async fn override_limits(
        &self,
        _: &Operator,
        _: UserId,
        _: Option<NewLimits>,
        _: Reason,
    ) -> ApiResult<()> {
        Ok(())
    }

    async fn override_plan(&self, _: &Operator, _: UserId, _: Option<NewPlan>, _: Reason) -> ApiResult<()> {
        Ok(())
    }

    async fn extend_grace(&self, _: &Operator, _: UserId, _: u32, _: Reason) -> ApiResult<()> {
        Ok(())
    }

    async fn resync(&self, _: &Operator, _: UserId, _: Reason) -> ApiResult<()> {
        Ok(())
    }

    async fn begin_visit(&self, _: &Operator, _: UserId, _: Reason) -> ApiResult<()> {
        Ok(())
    }
}

#[async_trait::async_trait]
impl JobsApi for Fake {
    async fn list(&self, _: &Operator, query: JobsQuery) -> ApiResult<JobsPage> {
        let dead = Job {
            id: JobId(Uuid::from_u128(3)),
            kind: "sync_customer".to_owned(),
            payload: "{\"customer_id\":\"cus_1\"}".to_owned(),
            state: query.state,
            attempt: 5,
            max_attempts: 5,
            run_at: now(),
            finished_at: Some(now()),
            last_error: Some("Stripe is <b>nicely</b> away".to_owned()),
        };
        let due_since = Some(now());
        let queue = Queue { kind: dead.kind.clone(), ready: 2, failed: 1, running: 1, dead: 1, due_since };
        let work = ScheduledWork { name: "purge".to_owned(), when: "every hour".to_owned(), last_at: None };
        let next = Some(dead.id);
        Ok(JobsPage { queues: vec![queue], schedules: vec![work], jobs: vec![dead], next })
    }

    async fn retry(&self, _: &Operator, _: JobId) -> ApiResult<()> {
        Ok(())
    }

    async fn discard(&self, _: &Operator, _: JobId) -> ApiResult<()> {
        Ok(())
    }
}

#[async_trait::async_trait]
impl StripeApi for Fake {
    async fn read_report(&self, _: &Operator) -> ApiResult<StripeReport> {
        let (waiting_amount, refused_amount) = (Nanos::from_cents(250), Nanos::ZERO);
        let comparison = |findings: &[&str]| Comparison {
            title: "Subscriptions and events".to_owned(),
            at: now(),
            findings: findings.iter().map(ToString::to_string).collect(),
            customers: vec![CustomerLabel { id: "cus_1".to_owned(), person: label() }],
        };
        Ok(StripeReport {
            inbox: Inbox { waiting: 3, failed: 1, waiting_since: Some(now()) },
            meter: MeterExport { waiting: 2, waiting_amount, refused: 0, refused_amount },
            comparisons: vec![
                comparison(&["2 events had not arrived", "cus_1: not as Stripe has it"]),
                comparison(&[]),
            ],
            refused_usage: vec![RefusedUsage {
                id: EntryId(Uuid::from_u128(1)),
                person: Some(label()),
                amount: Nanos::from_cents(50),
                occurred_at: now(),
                refused_at: now(),
                error: Some("The timestamp is <b>nicely</b> old".to_owned()),
            }],
            money_back: vec![MoneyBack {
                id: "dp_1".to_owned(),
                is_dispute: true,
                person: Some(label()),
                amount_cents: 2_000,
                status: "needs_response".to_owned(),
                reason: Some("fraudulent".to_owned()),
                created_at: now(),
            }],
        })
    }

    async fn list_events(&self, _: &Operator, query: EventsQuery) -> ApiResult<EventsPage> {
        let events = if query.customer.is_some() { vec![] } else { vec![stripe_event()] };
        Ok(EventsPage { events, next: Some(now()) })
    }

    async fn read_event(&self, _: &Operator, _: &str) -> ApiResult<StripeEventDetail> {
        let payload = "{ \"id\": \"evt_1\" }".to_owned();
        Ok(StripeEventDetail { event: stripe_event(), api_version: None, is_live: false, payload })
    }

    async fn replay_event(&self, _: &Operator, _: &str) -> ApiResult<()> {
        Ok(())
    }

    async fn resend_usage(&self, _: &Operator, _: EntryId) -> ApiResult<()> {
        Ok(())
    }

    async fn reconcile(&self, _: &Operator) -> ApiResult<()> {
        Ok(())
    }
}

fn stripe_event() -> StripeEvent {
    StripeEvent {
        id: "evt_1".to_owned(),
        kind: "invoice.paid".to_owned(),
        customer_id: Some("cus_1".to_owned()),
        received_at: now(),
        processed_at: None,
        error: Some("Stripe is <b>nicely</b> away".to_owned()),
        attempts: 4,
    }
}

fn prices(cents: i64) -> ModelPrices {
    let price = Nanos::from_cents(cents);
    ModelPrices { input: price, cached_input: price, output: price }
}

#[async_trait::async_trait]
impl ProvidersApi for Fake {
    async fn read(&self, _: &Operator) -> ApiResult<Vec<ProviderReport>> {
        let route = |key: &str, breaker| RouteReport {
            key: key.to_owned(),
            host: "llm.example.com".to_owned(),
            breaker,
            attempts: 12,
            outcomes: vec![Outcome { name: "overloaded".to_owned(), count: 3 }],
            first_token_ms_p50: Some(180),
            first_token_ms_p95: Some(420),
            cost: Nanos::from_cents(7),
            costs: prices(40),
        };
        let states = [
            Some(BreakerState::Closed),
            Some(BreakerState::Open { seconds: 20 }),
            Some(BreakerState::Held),
            None,
        ];
        let routes = ["one", "two", "three", "four"].iter().zip(states);
        let routes = routes.map(|(key, state)| route(key, state)).collect();
        let version = |version, effective_from, is_to_come| PriceVersion {
            version,
            prices: prices(50 * i64::from(version)),
            effective_from,
            is_to_come,
        };
        Ok(vec![ProviderReport {
            key: "a-model".to_owned(),
            model: "A model".to_owned(),
            is_off: true,
            prices: vec![
                version(3, now() + TimeDelta::days(3), true),
                version(2, now(), false),
                version(1, now() - TimeDelta::days(3), false),
            ],
            price_version: 2,
            routes,
        }])
    }

    async fn close(&self, _: &Operator, _: &str) -> ApiResult<()> {
        Ok(())
    }

    async fn reopen(&self, _: &Operator, _: &str) -> ApiResult<()> {
        Ok(())
    }

    async fn move_route_up(&self, _: &Operator, _: &str) -> ApiResult<()> {
        Ok(())
    }

    async fn set_costs(&self, _: &Operator, _: &str, _: ModelPrices, _: Reason) -> ApiResult<()> {
        Ok(())
    }

    async fn move_model_up(&self, _: &Operator, _: &str) -> ApiResult<()> {
        Ok(())
    }

    async fn set_model_off(&self, _: &Operator, _: &str, _: bool, _: Reason) -> ApiResult<()> {
        Ok(())
    }

    async fn add_prices(
        &self,
        _: &Operator,
        _: &str,
        _: ModelPrices,
        _: Option<DateTime<Utc>>,
        _: Reason,
    ) -> ApiResult<()> {
        Ok(())
    }

    async fn withdraw_prices(&self, _: &Operator, _: &str, _: u32) -> ApiResult<()> {
        Ok(())
    }
}

#[async_trait::async_trait]
impl SystemApi for Fake {
    async fn read(&self, _: &Operator) -> ApiResult<SystemReport> {
        let state = |switch| SwitchState {
            switch,
            is_on: switch == Switch::ReadOnly,
            changed_at: (switch == Switch::ReadOnly).then(now),
        };
        let setting = |variable: &str, value| Setting {
            variable: variable.to_owned(),
            is_default: value == SettingValue::None,
            value,
        };
        let fact = Fact { name: "Version".to_owned(), value: "15 <b>nicely</b>".to_owned() };
        Ok(SystemReport {
            switches: Switch::ALL.map(state).into(),
            parts: vec![SystemPart { name: "PostgreSQL".to_owned(), is_well: false, facts: vec![fact] }],
            settings: vec![
                setting("DATABASE_URL", SettingValue::Secret),
                setting("SENTRY_DSN", SettingValue::None),
                setting("JOB_CONCURRENCY", SettingValue::Text("4".to_owned())),
            ],
        })
    }

    async fn set_switch(&self, _: &Operator, _: Switch, _: bool, _: Reason) -> ApiResult<()> {
        Ok(())
    }
}

fn volume(replies: u64) -> Volume {
    Volume {
        replies,
        failed: 3,
        input_tokens: 1_700 * replies,
        cached_input_tokens: 500 * replies,
        output_tokens: 400 * replies,
        charged: cents(7 * replies),
        cost: cents(5 * replies),
    }
}

fn cents(cents: u64) -> Nanos {
    Nanos::from_cents(i64::try_from(cents).expect("little"))
}

fn figures(replies: u64) -> Figures {
    Figures {
        active_people: replies / 4,
        new_people: 5,
        paying: Some(40),
        past_due: Some(2),
        recurring: Some(Nanos::from_cents(80_000)),
        churned: Some(1),
        volume: volume(replies),
        ratings: Ratings { good: 9, bad: 1 },
        attempts: replies + 9,
        failed_attempts: 9,
        first_token_ms_p50: Some(180),
        first_token_ms_p95: Some(1_420),
    }
}

fn all_days() -> Vec<chrono::NaiveDate> {
    Period::Last30Days.days(now().date_naive()).iter().collect()
}

#[async_trait::async_trait]
impl FiguresApi for Fake {
    async fn read_overview(&self, operator: &Operator) -> ApiResult<Overview> {
        let days = all_days().into_iter().map(|day| DayFigures { day, figures: figures(100) }).collect();
        let (total, before) = (figures(3_000), figures(2_000));
        match operator.actor().request_id.as_str() {
            "new" => Ok(Overview {
                computed_at: None,
                days: vec![],
                total: Figures::default(),
                before: Figures::default(),
            }),
            _ => Ok(Overview { computed_at: Some(now()), days, total, before }),
        }
    }

    async fn report(&self, operator: &Operator, period: Period) -> ApiResult<VolumeReport> {
        let is_new = operator.actor().request_id == "new";
        let part = |name: &str, note: Option<&str>| NamedVolume {
            name: name.to_owned(),
            note: note.map(str::to_owned),
            volume: volume(3_000),
            ratings: None,
        };
        let ratings = Some(Ratings { good: 7, bad: 1 });
        let person = PersonLabel { id: UserId(Uuid::from_u128(8)), name: "Grace".to_owned() };
        let explosion = CostExplosion {
            day: now().date_naive(),
            person: person.clone(),
            charged: Nanos::from_cents(900),
            cost: Nanos::from_cents(700),
            usual: Nanos::from_cents(20),
        };
        let spender = PersonVolume { person, plan_name: "Pro".to_owned(), volume: volume(300) };
        Ok(VolumeReport {
            period,
            computed_at: Some(now()),
            total: if is_new { Volume::default() } else { volume(3_000) },
            before: if is_new { Volume::default() } else { volume(2_000) },
            days: all_days().into_iter().map(|day| DayVolume { day, volume: volume(100) }).collect(),
            models: vec![NamedVolume { ratings, ..part("A model", None) }],
            providers: vec![part("openai", None)],
            routes: vec![part("one", Some("openai"))],
            plans: vec![part("Pro", None)],
            outcomes: vec![part("Complete", None)],
            people: vec![spender],
            explosions: if is_new { vec![] } else { vec![explosion] },
            months: vec![Month::of(now().date_naive())],
        })
    }
}
