//! A clock of the database that can be moved ahead, as the sandbox's Stripe has one.

use super::TestDatabase;

/// In the way of the functions of PostgreSQL. What reads the clock by another name, such as `CURRENT_TIMESTAMP`, stays
/// with the true time.
const CLOCK: &str = "
    create schema clock;
    create table clock.ahead (by interval not null);
    insert into clock.ahead values ('0');
    create function clock.clock_timestamp() returns timestamptz language sql volatile
        as 'select pg_catalog.clock_timestamp() + by from clock.ahead';
    create function clock.now() returns timestamptz language sql volatile
        as 'select pg_catalog.now() + by from clock.ahead';
    do $$ begin
        execute format('alter database %I set search_path = clock, pg_catalog, public', current_database());
    end $$;
    set search_path = clock, pg_catalog, public;";

impl TestDatabase {
    /// One whose clock can be moved, for connections that are made from now on.
    pub async fn with_clock() -> Self {
        let database = Self::create().await;
        database.execute(CLOCK).await;
        database
    }

    /// Whoever waits for jobs to become due looks again.
    pub async fn advance_days(&self, days: i64) {
        let advance =
            format!("update clock.ahead set by = by + interval '{days} days'; notify plumbline_jobs");
        self.execute(&advance).await;
    }
}
