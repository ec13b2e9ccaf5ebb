use std::sync::Arc;

use chrono::TimeDelta;
use uuid::Uuid;

use super::now;
use crate::ApiResult;
use crate::api::admin::{AdminBackend, AuditLogApi, PeopleApi};
use crate::types::*;

pub fn backend() -> AdminBackend {
    AdminBackend { audit: Arc::new(Fake), people: Arc::new(Fake) }
}

struct Fake;

fn event(kind: Option<AuditKind>, operator: Option<PersonLabel>) -> AuditEvent {
    AuditEvent {
        id: AuditId(Uuid::from_u128(1)),
        at: now(),
        kind,
        operator,
        person: Some(PersonLabel { id: UserId(Uuid::from_u128(7)), name: "Ada Marlow".to_owned() }),
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
        Ok(AuditPage { events, next: Some(AuditId(Uuid::from_u128(1))) })
    }
}

#[async_trait::async_trait]
impl PeopleApi for Fake {
    async fn list(&self, _: &Operator, query: PeopleQuery) -> ApiResult<PeoplePage> {
        let person = |id, name: &str, standing| PersonSummary {
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
        };
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
}
