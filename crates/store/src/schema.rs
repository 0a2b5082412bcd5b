//! The tables, as a list of migrations that is only ever added to.

use std::borrow::Cow;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, SqlSafeStr};

use crate::dialect::Words;

/// Number, description and SQL of each migration; `{blob}` stands for the column type of bytes.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "first", include_str!("schema/0001_first.sql")),
    (2, "queue", include_str!("schema/0002_queue.sql")),
];

/// The migrations in the words of one database.
pub(crate) fn migrator(words: &Words) -> Migrator {
    let migrations = MIGRATIONS
        .iter()
        .map(|(version, description, sql)| {
            Migration::new(
                *version,
                Cow::Borrowed(*description),
                MigrationType::Simple,
                AssertSqlSafe(sql.replace("{blob}", words.blob)).into_sql_str(),
                false,
            )
        })
        .collect::<Vec<_>>();
    Migrator::with_migrations(migrations)
}
