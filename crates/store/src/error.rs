//! What can go wrong with the database.

/// An error of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The URL names no database Seogo knows.
    #[error("{0:?} is no database URL; use sqlite:PATH or postgres://USER@HOST/NAME")]
    UnknownUrl(String),
    /// The database refused or could not be reached.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error("bringing the database schema up to date: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A column holds something this version cannot read.
    #[error("the database holds a value this version cannot read: {0}")]
    Unreadable(String),
}

impl StoreError {
    /// Whether two writers met (a unique index, a serialization failure, a deadlock, a busy file): the transaction is worth
    /// trying again as a whole.
    pub fn is_conflict(&self) -> bool {
        let Self::Database(sqlx::Error::Database(error)) = self else {
            return false;
        };
        // 40001/40P01: PostgreSQL serialization failure and deadlock; 5/517: SQLITE_BUSY and SQLITE_BUSY_SNAPSHOT.
        error.is_unique_violation()
            || matches!(
                error.code().as_deref(),
                Some("40001" | "40P01" | "5" | "517")
            )
    }

    /// Whether the database will never take these values (out of range, too big, against a rule of the schema), or holds one
    /// that cannot be read: trying again is of no use.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Unreadable(_) | Self::Database(sqlx::Error::Encode(_)) => true,
            Self::Database(sqlx::Error::Database(error)) => {
                error.code().is_some_and(|code| refuses_values(&code))
            }
            _ => false,
        }
    }

    /// Whether a unique index refused the row.
    pub fn is_duplicate(&self) -> bool {
        matches!(self, Self::Database(sqlx::Error::Database(error)) if error.is_unique_violation())
    }
}

/// PostgreSQL's codes have five characters; classes 22, 23 and 54 are about the values. SQLite's are numbers; their lower
/// eight bits are SQLITE_TOOBIG, SQLITE_CONSTRAINT or SQLITE_MISMATCH.
fn refuses_values(code: &str) -> bool {
    if code.len() == 5 {
        return ["22", "23", "54"]
            .iter()
            .any(|class| code.starts_with(class));
    }
    code.parse::<u32>()
        .is_ok_and(|number| matches!(number & 0xff, 18..=20))
}
