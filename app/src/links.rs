//! Addresses inside the product.

use chrono::SecondsFormat;

use crate::types::{
    AuditQuery, EntryId, EventState, EventsQuery, GenerationId, Interval, JobsQuery, MessageId, NoticeKind,
    PeopleQuery, PeopleSort, Period, SignInError, ThreadId, UserId,
};

/// The person, their browsers and their mails.
pub const ACCOUNT_PATH: &str = "/account";

/// What somebody wrote, used and paid, as a file.
pub const DATA_FILE_PATH: &str = "/account/export.json";

/// Where the deletion of an account is confirmed.
pub const DELETE_ACCOUNT_PATH: &str = "/account/delete";

/// The keys that programs call the API with. A form without JavaScript is sent here, too.
pub const API_KEYS_PATH: &str = "/api-keys";

/// The caps among what was spent.
pub const USAGE_CAPS_PATH: &str = "/usage#caps";

/// Which mails somebody gets, by a link in one of them.
pub fn mail_preferences_path(token: &str) -> String {
    format!("/mail/preferences?token={}", escape(token))
}

/// Turns mails of a kind off, by a link in one of them.
pub fn unsubscribe_path(token: &str, kind: NoticeKind) -> String {
    format!("/mail/unsubscribe?token={}&kind={kind}", escape(token))
}

/// What can be bought.
pub const PRICING_PATH: &str = "/pricing";

/// The subscription, invoices and packs.
pub const BILLING_PATH: &str = "/billing";

/// Where Stripe's page to pay leads back to, with the id of that visit as `session`.
pub const CHECKOUT_PATH: &str = "/billing/checkout";

/// What became of one visit to that page.
pub fn checkout_path(session_id: &str) -> String {
    format!("{CHECKOUT_PATH}?session={}", escape(session_id))
}

/// Where a cancellation is confirmed.
pub const CANCEL_PATH: &str = "/billing/cancel";

/// The prices, paid monthly or yearly.
pub fn pricing_path(interval: Interval) -> String {
    match interval {
        Interval::Month => PRICING_PATH.to_owned(),
        Interval::Year => format!("{PRICING_PATH}?interval=year"),
    }
}

/// Where a change of plan is confirmed.
pub fn change_plan_path(plan_key: &str, interval: Interval) -> String {
    format!("/billing/change?plan={}&interval={interval}", escape(plan_key))
}

pub fn thread_path(id: ThreadId) -> String {
    format!("/chat/{id}")
}

/// The conversation as a file.
pub fn thread_file_path(id: ThreadId) -> String {
    format!("/chat/{id}/export.md")
}

/// What was spent on what in a period.
pub fn usage_path(period: Period) -> String {
    format!("/usage?period={period}#spending")
}

/// The replies of a period as a file.
pub fn replies_file_path(period: Period) -> String {
    format!("/usage/replies.csv?period={period}")
}

/// The statement from before an entry on.
pub fn statement_path(before: EntryId) -> String {
    format!("/usage/statement?before={before}")
}

pub fn receipt_path(id: GenerationId) -> String {
    format!("/usage/replies/{id}")
}

/// The receipt of the reply that wrote a message. The server leads on from there, so not a link within the app.
pub fn message_receipt_path(id: MessageId) -> String {
    format!("/usage/messages/{id}")
}

/// Where an operator's visit to somebody's account begins.
pub const VISIT_PATH: &str = "/usage";

/// Where the admin panel opens.
pub const ADMIN_PATH: &str = "/admin";

/// What was used, for operators.
pub const VOLUME_PATH: &str = "/admin/usage";

/// What was used in a period, for operators.
pub fn volume_path(period: Period) -> String {
    format!("{VOLUME_PATH}?period={period}")
}

/// The same as a file: by day, model, route, plan and end.
pub fn volume_file_path(period: Period) -> String {
    format!("/admin/usage.csv?period={period}")
}

/// The same as a file: by person.
pub fn people_volume_file_path(period: Period) -> String {
    format!("/admin/usage-people.csv?period={period}")
}

/// Everybody, for operators.
pub const PEOPLE_PATH: &str = "/admin/people";

/// The audit log.
pub const AUDIT_PATH: &str = "/admin/audit";

/// Work done later.
pub const JOBS_PATH: &str = "/admin/jobs";

/// What Stripe told us.
pub const STRIPE_PATH: &str = "/admin/stripe";

/// What can be turned off, and what the product runs on.
pub const SYSTEM_PATH: &str = "/admin/system";

/// The ways to the models.
pub const PROVIDERS_PATH: &str = "/admin/providers";

/// Some jobs, for operators.
pub fn jobs_path(JobsQuery { state, kind, after }: &JobsQuery) -> String {
    with_query(
        JOBS_PATH,
        [
            ("state", Some(state.to_string())),
            ("kind", kind.clone()),
            ("after", after.map(|id| id.to_string())),
        ],
    )
}

/// Some events of Stripe's, for operators.
pub fn stripe_events_path(EventsQuery { state, customer, before }: &EventsQuery) -> String {
    let state = (*state != EventState::default()).then(|| state.to_string());
    let before = before.map(|at| at.to_rfc3339_opts(SecondsFormat::Micros, true));
    with_query(STRIPE_PATH, [("state", state), ("customer", customer.clone()), ("before", before)])
}

/// All that Stripe sent of an event, for operators.
pub fn stripe_event_path(id: &str) -> String {
    with_query(STRIPE_PATH, [("event", Some(id.to_owned()))])
}

/// Some people, for operators.
pub fn people_path(query: &PeopleQuery) -> String {
    let PeopleQuery { search, plan, standing, is_suspended, sort, after } = query;
    let sort = (*sort != PeopleSort::default()).then(|| sort.key().to_owned());
    with_query(
        PEOPLE_PATH,
        [
            ("search", search.clone()),
            ("plan", plan.clone()),
            ("standing", standing.map(|name| name.key().to_owned())),
            ("suspended", is_suspended.then(|| "true".to_owned())),
            ("sort", sort),
            ("after", after.map(|place| place.to_string())),
        ],
    )
}

/// A person, for operators.
pub fn person_path(id: UserId) -> String {
    format!("{PEOPLE_PATH}/{id}")
}

/// The same, with the statement from before an entry on.
pub fn person_statement_path(id: UserId, before: EntryId) -> String {
    format!("{PEOPLE_PATH}/{id}?before={before}#statement-heading")
}

/// Some events of the audit log.
pub fn audit_path(query: AuditQuery) -> String {
    with_audit_query(AUDIT_PATH, query)
}

/// The same as a file, whole.
pub fn audit_file_path(query: AuditQuery) -> String {
    with_audit_query("/admin/audit.csv", AuditQuery { after: None, ..query })
}

fn with_audit_query(
    path: &str,
    AuditQuery { kind, person, operator, request_id, after }: AuditQuery,
) -> String {
    with_query(
        path,
        [
            ("kind", kind.map(|kind| kind.to_string())),
            ("person", person.map(|id| id.to_string())),
            ("operator", operator.map(|id| id.to_string())),
            ("request", request_id.map(|id| id.to_string())),
            ("after", after.map(|id| id.to_string())),
        ],
    )
}

/// What is none is left out.
fn with_query<const N: usize>(path: &str, parameters: [(&str, Option<String>); N]) -> String {
    let set =
        parameters.iter().filter_map(|(name, value)| Some(format!("{name}={}", escape(value.as_ref()?))));
    let query = set.collect::<Vec<_>>().join("&");
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// Where to sign in, coming back to `path` afterwards.
pub fn sign_in_path(path: &str) -> String {
    format!("/sign-in?return_to={}", escape(path))
}

/// Where to sign in after a try that ended without a session.
pub fn sign_in_again_path(error: SignInError, path: &str) -> String {
    format!("/sign-in?error={}&return_to={}", error.as_str(), escape(path))
}

/// Where an identity provider's sign-in begins.
pub fn start_path(key: &str, return_to: Option<&str>) -> String {
    let key = escape(key);
    match return_to.filter(|path| is_own_path(path)) {
        Some(path) => format!("/auth/{key}/start?return_to={}", escape(path)),
        None => format!("/auth/{key}/start"),
    }
}

/// A path on this site, and nothing a browser could read as another site's address.
fn is_own_path(path: &str) -> bool {
    path.starts_with('/')
        && !path.starts_with("//")
        && !path.contains('\\')
        && !path.contains(char::is_control)
}

/// Percent-encodes all but unreserved characters and slashes; the result is plain ASCII.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                escaped.push(char::from(byte))
            }
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::{sign_in_path, start_path};

    #[test]
    fn the_way_back_is_kept_whole() {
        assert_eq!(sign_in_path("/chat/1?a=b&c=ü"), "/sign-in?return_to=/chat/1%3Fa%3Db%26c%3D%C3%BC");
    }

    #[test]
    fn another_site_is_no_way_back() {
        for path in ["//evil.example", "https://evil.example", "/\\evil.example", "", "/a\nb"] {
            assert_eq!(start_path("oidc", Some(path)), "/auth/oidc/start", "{path}");
        }
        assert_eq!(start_path("oidc", Some("/chat")), "/auth/oidc/start?return_to=/chat");
    }
}
