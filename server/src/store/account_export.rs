//! What somebody wrote, used and paid, as JSON made by PostgreSQL: rows by section, a page at a time.

use app::types::AccountId;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{Connection, StoreResult};

/// A list of the export.
#[derive(Debug)]
pub struct Section {
    pub name: &'static str,
    /// Where it begins: before every place in it.
    pub first: &'static str,
    /// How much of it is read at once.
    pub page: i64,
    /// The rows of the account ($1) after a place ($2), so many ($3): each as JSON, with its own place.
    rows: &'static str,
}

impl Section {
    /// The conversation at a place, if this is a section with them.
    pub fn conversation(&self, place: &str) -> Option<Uuid> {
        let has_messages = [CONVERSATIONS, DELETED_CONVERSATIONS].contains(&self.name);
        place.rsplit('|').next().filter(|_| has_messages)?.parse().ok()
    }
}

/// A row of a section.
#[derive(Debug, QueryableByName)]
pub struct ExportRow {
    #[diesel(sql_type = Text)]
    pub place: String,
    /// An object.
    #[diesel(sql_type = Text)]
    pub json: String,
}

const NIL: &str = "00000000-0000-0000-0000-000000000000";

/// The sections with conversations, each of which has messages. By when they were written in, as they are listed elsewhere:
/// an index by id would cost every reply.
const CONVERSATIONS: &str = "conversations";
const DELETED_CONVERSATIONS: &str = "deleted_conversations";

/// Before every time and id.
const BEGINNING: &str = "-infinity|00000000-0000-0000-0000-000000000000";

/// How many messages are read at once: the longest answers fill megabytes.
pub const MESSAGES: i64 = 10;

const fn by_id(name: &'static str, rows: &'static str) -> Section {
    Section { name, first: NIL, page: 500, rows }
}

/// In the order of the document. Never a token, nor a hash of one.
pub const SECTIONS: &[Section] = &[
    by_id(
        "people",
        "select u.id::text as place, json_build_object('id', u.id, 'name', u.display_name, 'email', u.email,
             'is_email_verified', u.email_verified, 'account_id', a.id, 'plan', a.plan,
             'first_signed_in_at', u.created_at, 'last_seen_at', u.last_seen_at, 'erase_at', a.erase_at)::text as json
         from users u join accounts a on a.id = u.account_id
         where u.account_id = $1 and u.id > $2::uuid order by u.id limit $3",
    ),
    Section {
        name: "sign_in_providers",
        first: "",
        page: 500,
        rows: "select i.issuer || ' ' || i.subject as place, json_build_object('provider', i.provider_name,
             'issuer', i.issuer, 'subject', i.subject, 'since', i.created_at)::text as json
         from identities i join users u on u.id = i.user_id
         where u.account_id = $1 and i.issuer || ' ' || i.subject > $2 order by 1 limit $3",
    },
    by_id(
        "sessions",
        "select s.id::text as place, json_build_object('id', s.id, 'browser', s.user_agent, 'began_at', s.created_at,
             'last_seen_at', s.last_seen_at, 'expires_at', s.expires_at)::text as json
         from sessions s join users u on u.id = s.user_id
         where u.account_id = $1 and s.id > $2::uuid order by s.id limit $3",
    ),
    by_id(
        "access_log",
        "select e.id::text as place, json_build_object('what', e.kind, 'detail', e.detail, 'address', e.address,
             'at', e.occurred_at)::text as json
         from audit_events e
         where e.user_id in (select id from users where account_id = $1) and e.operator_id is null
             and e.id > $2::uuid order by e.id limit $3",
    ),
    by_id(
        "mail_opt_outs",
        "select u.id::text as place, json_build_object('kinds', json_agg(o.kind order by o.kind))::text as json
         from mail_opt_outs o join users u on u.id = o.user_id
         where u.account_id = $1 and u.id > $2::uuid group by u.id order by u.id limit $3",
    ),
    // One at a time: its messages come before the next.
    Section {
        name: CONVERSATIONS,
        first: BEGINNING,
        page: 1,
        rows: "select t.updated_at || '|' || t.id as place, json_build_object('id', t.id, 'title', t.title,
             'created_at', t.created_at, 'updated_at', t.updated_at, 'shown_message_id', t.shown_message_id)::text as json
         from threads t
         where t.account_id = $1 and t.deleted_at is null and t.updated_at >= split_part($2, '|', 1)::timestamptz
             and (t.updated_at, t.id) > (split_part($2, '|', 1)::timestamptz, split_part($2, '|', 2)::uuid)
         order by t.updated_at, t.id limit $3",
    },
    Section {
        name: DELETED_CONVERSATIONS,
        first: BEGINNING,
        page: 1,
        rows: "select t.updated_at || '|' || t.id as place, json_build_object('id', t.id, 'title', t.title,
             'is_program', t.is_program, 'created_at', t.created_at, 'updated_at', t.updated_at,
             'deleted_at', t.deleted_at, 'shown_message_id', t.shown_message_id)::text as json
         from threads t
         where t.account_id = $1 and t.deleted_at is not null and t.erased_at is null
             and t.updated_at >= split_part($2, '|', 1)::timestamptz
             and (t.updated_at, t.id) > (split_part($2, '|', 1)::timestamptz, split_part($2, '|', 2)::uuid)
         order by t.updated_at, t.id limit $3",
    },
    by_id(
        "ratings",
        "select r.message_id::text as place, json_build_object('message_id', r.message_id, 'is_good', r.is_good,
             'rated_at', r.rated_at)::text as json
         from ratings r
         where r.account_id = $1 and r.message_id > $2::uuid order by r.message_id limit $3",
    ),
    Section {
        name: "caps",
        first: "",
        page: 500,
        rows: "select coalesce(c.thread_id::text, 'month') as place, json_build_object(
             'conversation_id', case when not t.is_program then c.thread_id end,
             'api_key_id', case when t.is_program then c.thread_id end,
             'limit_usd', trim_scale(c.limit_nanos::numeric / 1000000000), 'is_hard', c.is_hard,
             'updated_at', c.updated_at)::text as json
         from spending_caps c left join threads t on t.id = c.thread_id
         where c.account_id = $1 and coalesce(c.thread_id::text, 'month') > $2 order by 1 limit $3",
    },
    Section {
        name: "ledger",
        first: "-1",
        page: 500,
        rows: "select l.number::text as place, json_build_object('id', l.id, 'cause', l.cause,
             'amount_usd', trim_scale(l.amount_nanos::numeric / 1000000000), 'posted_at', l.created_at)::text as json
         from ledger_entries l
         where l.account_id = $1 and l.number > $2::bigint order by l.number limit $3",
    },
    Section {
        name: "usage",
        first: BEGINNING,
        page: 500,
        rows: "select r.created_at || '|' || r.generation_id as place, json_build_object('reply_id', r.generation_id,
             'conversation_id', g.thread_id, 'model', r.model, 'input_tokens', r.input_tokens,
             'cached_input_tokens', r.cached_input_tokens, 'output_tokens', r.output_tokens,
             'reasoning_tokens', r.reasoning_tokens, 'is_estimated', r.is_estimated, 'price_version', r.price_version,
             'charged_usd', trim_scale(r.charged_nanos::numeric / 1000000000), 'settled_at', r.created_at)::text as json
         from usage_records r join generations g on g.id = r.generation_id
         where r.account_id = $1 and r.created_at >= split_part($2, '|', 1)::timestamptz
             and (r.created_at, r.generation_id)
                 > (split_part($2, '|', 1)::timestamptz, split_part($2, '|', 2)::uuid)
         order by r.created_at, r.generation_id limit $3",
    },
    Section {
        name: "subscriptions",
        first: "",
        page: 500,
        rows: "select s.id as place, json_build_object('id', s.id, 'plan', s.plan, 'status', s.status,
             'interval', s.interval, 'amount_usd', trim_scale(s.amount_cents::numeric / 100),
             'period_start', s.period_start, 'period_end', s.period_end, 'ends_at', s.ends_at,
             'card_brand', s.card_brand, 'card_last4', s.card_last4)::text as json
         from subscriptions s
         where s.account_id = $1 and s.id > $2 order by s.id limit $3",
    },
    Section {
        name: "invoices",
        first: "",
        page: 500,
        rows: "select i.id as place, json_build_object('id', i.id, 'number', i.number, 'status', i.status,
             'total_usd', trim_scale(i.total_cents::numeric / 100),
             'refunded_usd', trim_scale(i.refunded_cents::numeric / 100), 'created_at', i.created_at,
             'paid_at', i.paid_at, 'url', i.url)::text as json
         from invoices i
         where i.account_id = $1 and i.id > $2 order by i.id limit $3",
    },
    Section {
        name: "purchases",
        first: "",
        page: 500,
        rows: "select p.id as place, json_build_object('id', p.id, 'pack', p.pack,
             'credit_usd', trim_scale(p.credit_nanos::numeric / 1000000000),
             'amount_usd', trim_scale(p.amount_cents::numeric / 100),
             'refunded_usd', trim_scale(p.refunded_cents::numeric / 100), 'bought_at', p.bought_at,
             'receipt_url', p.receipt_url)::text as json
         from purchases p
         where p.account_id = $1 and p.id > $2 order by p.id limit $3",
    },
    by_id(
        "api_keys",
        "select k.id::text as place, json_build_object('id', k.id, 'name', k.name, 'last_characters', k.hint,
             'created_at', k.created_at, 'last_used_at', k.last_used_at, 'revoked_at', k.revoked_at,
             'charged_usd', trim_scale(k.charged_nanos::numeric / 1000000000))::text as json
         from api_keys k
         where k.account_id = $1 and k.id > $2::uuid order by k.id limit $3",
    ),
    by_id(
        "notices",
        "select n.id::text as place, json_build_object('id', n.id, 'kind', n.kind, 'facts', n.facts,
             'created_at', n.created_at, 'mailed_at', n.mailed_at, 'dismissed_at', n.dismissed_at)::text as json
         from notices n
         where n.account_id = $1 and n.id > $2::uuid order by n.id limit $3",
    ),
];

/// The rows of a section that come after a place in it.
pub async fn read(
    conn: &mut Connection,
    account_id: AccountId,
    section: &Section,
    after: &str,
) -> StoreResult<Vec<ExportRow>> {
    let rows = diesel::sql_query(section.rows).bind::<SqlUuid, _>(account_id.0).bind::<Text, _>(after);
    Ok(rows.bind::<BigInt, _>(section.page).load(conn).await?)
}

/// The messages of a conversation after this one, oldest first, whatever path they are on.
pub async fn read_messages(
    conn: &mut Connection,
    account_id: AccountId,
    thread_id: Uuid,
    after: Uuid,
) -> StoreResult<Vec<ExportRow>> {
    let rows = diesel::sql_query(
        "select m.id::text as place, json_build_object('id', m.id, 'parent_id', m.parent_id, 'role', m.role,
             'content', m.content, 'reasoning', m.reasoning, 'tool_calls', m.tool_calls, 'model', g.model, 'state', g.state,
             'reply_id', m.generation_id, 'created_at', m.created_at)::text as json
         from messages m join threads t on t.id = m.thread_id left join generations g on g.id = m.generation_id
         where t.account_id = $1 and m.thread_id = $2 and m.id > $3 order by m.id limit $4",
    );
    let rows = rows.bind::<SqlUuid, _>(account_id.0).bind::<SqlUuid, _>(thread_id).bind::<SqlUuid, _>(after);
    Ok(rows.bind::<BigInt, _>(MESSAGES).load(conn).await?)
}
