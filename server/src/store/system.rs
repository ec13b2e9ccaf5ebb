//! How the database sees itself, for operators to read.

use diesel::sql_types::{Array, BigInt, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;

use super::{Connection, MIGRATIONS, StoreError, StoreResult};

#[derive(Clone, Debug, QueryableByName)]
pub struct DatabaseFacts {
    /// As the server calls it.
    #[diesel(sql_type = Text)]
    pub version: String,
    #[diesel(sql_type = BigInt)]
    pub size_bytes: i64,
    /// Of all processes, to this database.
    #[diesel(sql_type = BigInt)]
    pub connections: i64,
    #[diesel(sql_type = BigInt)]
    pub max_connections: i64,
    /// Versions of migrations, oldest first.
    #[diesel(sql_type = Array<Text>)]
    pub migrations: Vec<String>,
}

impl DatabaseFacts {
    /// What this build brings and the database does not have.
    ///
    /// # Errors
    /// When a migration's name makes no sense, which is found at the first start.
    pub fn missing_migrations(&self) -> StoreResult<Vec<String>> {
        use diesel::migration::MigrationSource;

        let all = MigrationSource::<diesel::pg::Pg>::migrations(&MIGRATIONS)
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let versions = all.iter().map(|migration| migration.name().version().as_owned().to_string());
        Ok(versions.filter(|version| !self.migrations.contains(version)).collect())
    }
}

/// Reads what there is to know without touching any table of ours but that of migrations.
pub async fn read(conn: &mut Connection) -> StoreResult<DatabaseFacts> {
    const FACTS: &str = "
        select current_setting('server_version') as version, pg_database_size(current_database()) as size_bytes,
            (select count(*) from pg_stat_activity where datname = current_database()) as connections,
            current_setting('max_connections')::bigint as max_connections,
            array(select version::text from __diesel_schema_migrations order by version) as migrations";
    Ok(sql_query(FACTS).get_result(conn).await?)
}
