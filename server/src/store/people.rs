//! People as operators list them. Each order and each search has an index; a page begins after the last row of the one
//! before, so the last page is as fast as the first.

use app::types::{Nanos, PeoplePlace, PeopleQuery, PeopleSort, StandingName, UserId};
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::BoxedSqlQuery;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::subscriptions::Dunning;
use super::{Connection, StoreResult};

/// A person with their account.
#[derive(Clone, Debug, QueryableByName)]
pub struct PersonRow {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub account_id: Uuid,
    #[diesel(sql_type = Text)]
    pub display_name: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub email: Option<String>,
    #[diesel(sql_type = Bool)]
    pub is_operator: bool,
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    pub last_seen_at: DateTime<Utc>,
    /// A key.
    #[diesel(sql_type = Text)]
    pub plan: String,
    #[diesel(sql_type = BigInt)]
    pub posted_nanos: i64,
    #[diesel(sql_type = Bool)]
    pub is_suspended: bool,
    #[diesel(sql_type = Nullable<Text>)]
    status: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    past_due_since: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    grace_ends_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub grace_until: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub erase_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub erased_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = BigInt)]
    pub month_nanos: i64,
    /// When this was so.
    #[diesel(sql_type = Timestamptz)]
    pub at: DateTime<Utc>,
}

impl PersonRow {
    /// None: there is no subscription.
    pub fn dunning(&self) -> Option<Dunning> {
        let past_due = self.past_due_since.zip(self.grace_ends_at);
        Some(Dunning { status: self.status.as_ref()?.parse().ok()?, past_due })
    }

    /// Where the list goes on after this one.
    pub fn place(&self, sort: PeopleSort) -> PeoplePlace {
        match sort {
            PeopleSort::Newest => PeoplePlace { value: 0, id: self.id },
            PeopleSort::LastSeen => PeoplePlace { value: self.last_seen_at.timestamp_micros(), id: self.id },
            PeopleSort::Spent => PeoplePlace { value: self.month_nanos, id: self.account_id },
        }
    }

    pub fn spent_this_month(&self) -> Nanos {
        Nanos(self.month_nanos)
    }
}

/// Before the id of a reply, as programs see it.
const COMPLETION: &str = "chatcmpl-";

type Query<'a> = BoxedSqlQuery<'a, Pg, diesel::query_builder::SqlQuery>;

/// The people that are wanted, `limit` of them at most.
pub async fn list(conn: &mut Connection, query: &PeopleQuery, limit: i64) -> StoreResult<Vec<PersonRow>> {
    let mut sql = Sql::new(query.sort);
    sql.search(query.search.as_deref());
    if let Some(plan) = &query.plan {
        sql.filter("a.plan = $", [Bind::Text(plan.clone())]);
    }
    if let Some(standing) = query.standing {
        sql.filter(of_standing(standing), []);
    }
    if query.is_suspended {
        sql.filter("a.suspended_at is not null and a.erased_at is null", []);
    }
    if let Some(place) = query.after {
        sql.after(query.sort, place);
    }
    Ok(sql.finish(query.sort, limit).load(conn).await?)
}

/// One of them.
pub async fn find(conn: &mut Connection, id: UserId) -> StoreResult<PersonRow> {
    let mut sql = Sql::new(PeopleSort::default());
    sql.filter("u.id = $", [Bind::Id(id.0)]);
    Ok(sql.finish(PeopleSort::default(), 1).get_result(conn).await?)
}

/// As [`crate::services::plans::standing_at`] says.
fn of_standing(standing: StandingName) -> &'static str {
    match standing {
        StandingName::Free => {
            "(s.status is null or s.status not in ('trialing', 'active', 'past_due', 'unpaid'))"
        }
        StandingName::Active => {
            "(s.status in ('trialing', 'active') or s.status = 'past_due' and s.past_due_since is null)"
        }
        StandingName::PastDue => {
            "(s.status = 'unpaid' or s.status = 'past_due' and s.past_due_since is not null)
             and (s.status = 'past_due' and s.grace_ends_at > clock_timestamp()
                 or coalesce(a.grace_until > clock_timestamp(), false))"
        }
        StandingName::Frozen => {
            "(s.status = 'unpaid' or s.status = 'past_due' and s.past_due_since is not null)
             and not (s.status = 'past_due' and s.grace_ends_at > clock_timestamp())
             and not coalesce(a.grace_until > clock_timestamp(), false)"
        }
    }
}

enum Bind {
    Text(String),
    Number(i64),
    Id(Uuid),
}

/// A statement with the conditions that are wanted: planned for them, so that each goes by the index that suits it.
struct Sql {
    text: String,
    binds: Vec<Bind>,
}

impl Sql {
    fn new(sort: PeopleSort) -> Self {
        // Who spent nothing has no row, and is not listed by what was spent.
        let months = if sort == PeopleSort::Spent { "join" } else { "left join" };
        let text = format!(
            "select u.id, u.account_id, u.display_name, u.email, u.is_operator, u.created_at, u.last_seen_at, a.plan,
                 a.posted_nanos, a.suspended_at is not null and a.erased_at is null as is_suspended, s.status,
                 s.past_due_since, s.grace_ends_at, a.grace_until, a.erase_at, a.erased_at,
                 coalesce(m.charged_nanos, 0) as month_nanos, clock_timestamp() as at
             from users u
             join accounts a on a.id = u.account_id
             left join subscriptions s on s.account_id = a.id
             {months} account_months m on m.account_id = a.id
                 and m.month = date_trunc('month', now() at time zone 'UTC')::date
             where true"
        );
        Self { text, binds: Vec::new() }
    }

    /// In the condition each `$` stands for the next of these.
    fn filter(&mut self, condition: &str, binds: impl IntoIterator<Item = Bind>) {
        let mut pieces = condition.split('$');
        self.text += " and ";
        self.text += pieces.next().unwrap_or_default();
        for (piece, bind) in pieces.zip(binds) {
            self.binds.push(bind);
            self.text += &format!("${}{piece}", self.binds.len());
        }
    }

    fn search(&mut self, text: Option<&str>) {
        let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return };
        let of_reply = "u.account_id = (select account_id from generations where id = $)";
        if let Ok(id) = text.parse::<Uuid>() {
            let condition = format!("(u.id = $ or u.account_id = $ or {of_reply})");
            self.filter(&condition, [Bind::Id(id), Bind::Id(id), Bind::Id(id)]);
        } else if let Some(Ok(id)) = text.strip_prefix(COMPLETION).map(str::parse::<Uuid>) {
            self.filter(of_reply, [Bind::Id(id)]);
        } else if text.starts_with("cus_") {
            self.filter("a.stripe_customer_id = $", [Bind::Text(text.to_owned())]);
        } else if text.contains('@') {
            self.filter("lower(u.email) like $", [Bind::Text(prefix(text))]);
        } else {
            let condition = "(lower(u.display_name) like $ or lower(u.email) like $)";
            self.filter(condition, [Bind::Text(prefix(text)), Bind::Text(prefix(text))]);
        }
    }

    fn after(&mut self, sort: PeopleSort, PeoplePlace { value, id }: PeoplePlace) {
        let (value, id) = (Bind::Number(value), Bind::Id(id));
        match sort {
            PeopleSort::Newest => self.filter("u.id < $", [id]),
            PeopleSort::LastSeen => {
                let micros = "timestamptz 'epoch' + $ * interval '1 microsecond'";
                self.filter(&format!("(u.last_seen_at, u.id) < ({micros}, $)"), [value, id]);
            }
            PeopleSort::Spent => self.filter("(m.charged_nanos, m.account_id) < ($, $)", [value, id]),
        }
    }

    fn finish<'a>(mut self, sort: PeopleSort, limit: i64) -> Query<'a> {
        let order = match sort {
            PeopleSort::Newest => "u.id desc",
            PeopleSort::LastSeen => "u.last_seen_at desc, u.id desc",
            PeopleSort::Spent => "m.charged_nanos desc, m.account_id desc",
        };
        self.binds.push(Bind::Number(limit));
        self.text += &format!(" order by {order} limit ${}", self.binds.len());
        let query = diesel::sql_query(self.text).into_boxed();
        self.binds.into_iter().fold(query, |query, bind| match bind {
            Bind::Text(text) => query.bind::<Text, _>(text),
            Bind::Number(number) => query.bind::<BigInt, _>(number),
            Bind::Id(id) => query.bind::<SqlUuid, _>(id),
        })
    }
}

/// What begins with this text, whatever its case.
fn prefix(text: &str) -> String {
    let escaped = text.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    escaped + "%"
}
