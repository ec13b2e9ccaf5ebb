//! What people thought of replies, added up by the day on which they said so.

use std::collections::HashMap;

use app::types::{Days, Ratings};
use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date, Text};
use diesel_async::RunQueryDsl;

use super::Connection;

/// Adds up the day `$1` from `$2` until `$3`. Who thinks otherwise two days later does so on that day.
pub(super) const ADD_UP: &str = "
    insert into rating_days (day, model, route_key, good, bad)
    select $1, u.model, coalesce(u.route_key, ''), count(*) filter (where is_good), count(*) filter (where not is_good)
    from ratings join messages on messages.id = ratings.message_id
        join usage_records u on u.generation_id = messages.generation_id
    where rated_at >= $2 and rated_at < $3
    group by u.model, coalesce(u.route_key, '')";

#[derive(QueryableByName)]
struct Counts {
    #[diesel(sql_type = BigInt)]
    good: i64,
    #[diesel(sql_type = BigInt)]
    bad: i64,
}

impl From<Counts> for Ratings {
    fn from(row: Counts) -> Self {
        Self { good: row.good.unsigned_abs(), bad: row.bad.unsigned_abs() }
    }
}

pub async fn by_day(conn: &mut Connection, days: Days) -> QueryResult<HashMap<NaiveDate, Ratings>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Date)]
        day: NaiveDate,
        #[diesel(embed)]
        counts: Counts,
    }
    const READ: &str = "
        select day, sum(good)::bigint as good, sum(bad)::bigint as bad
        from rating_days where day between $1 and $2 group by day";
    let query = diesel::sql_query(READ).bind::<Date, _>(days.first).bind::<Date, _>(days.last);
    let rows: Vec<Row> = query.load(conn).await?;
    Ok(rows.into_iter().map(|row| (row.day, row.counts.into())).collect())
}

/// By what replies have in common: `model` or `route_key`.
pub async fn by(conn: &mut Connection, column: &str, days: Days) -> QueryResult<HashMap<String, Ratings>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        key: String,
        #[diesel(embed)]
        counts: Counts,
    }
    let sql = format!(
        "select {column} as key, sum(good)::bigint as good, sum(bad)::bigint as bad
         from rating_days where day between $1 and $2 group by 1"
    );
    let query = diesel::sql_query(sql).bind::<Date, _>(days.first).bind::<Date, _>(days.last);
    let rows: Vec<Row> = query.load(conn).await?;
    Ok(rows.into_iter().map(|row| (row.key, row.counts.into())).collect())
}
