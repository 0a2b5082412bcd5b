//! What can go wrong with the database, and what of it passes by itself.

use std::fmt;
use std::io;
use std::time::Duration;

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
    /// No answer came within the time that the caller has.
    #[error("the database did not answer within {} s", .0.as_secs_f32())]
    NoAnswer(Duration),
    /// A write waited for all the time that the caller has.
    #[error("the database was locked for {} s", .0.as_secs_f32())]
    Locked(Duration),
}

/// What keeps a database from doing its work, whatever it is asked. `Display` says it in plain words and what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing answers there, or the connection broke.
    Unreachable,
    /// It answers that it is starting, stopping or recovering.
    Starting,
    /// It is there, but no answer came in time.
    Silent,
    /// It has no room for one more connection, or no memory.
    Crowded,
    /// Somebody else holds the lock.
    Busy,
    /// No room on its disk.
    DiskFull,
    /// It takes no changes.
    ReadOnly,
    /// Its files cannot be opened, read or written.
    Storage,
    /// It refuses our name, our password or the name of the database.
    Refused,
}

impl Trouble {
    /// Whether nobody has to do anything about it but bring the database back.
    pub fn passes(self) -> bool {
        matches!(
            self,
            Self::Unreachable | Self::Starting | Self::Silent | Self::Crowded | Self::Busy
        )
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreachable => {
                "The database cannot be reached. Start it, or mend the network; Seogo goes on by itself."
            }
            Self::Starting => "The database is starting or stopping. Seogo goes on when it is up.",
            Self::Silent => {
                "The database does not answer in time: it is overloaded, or the network to it is cut. Seogo goes on by itself."
            }
            Self::Crowded => {
                "The database has no room for one more connection. Raise max_connections, or stop what holds them."
            }
            Self::Busy => {
                "Another program holds the database's lock. Stop it if it does not let go; Seogo goes on by itself."
            }
            Self::DiskFull => {
                "The disk of the database is full. Free some space there; Seogo goes on by itself."
            }
            Self::ReadOnly => {
                "The database takes no changes: it is a standby, or its file or disk is read-only. Make it writable."
            }
            Self::Storage => {
                "The database's files cannot be opened, read or written. Look at its disk and at the rights of its folder."
            }
            Self::Refused => {
                "The database refuses the user, the password or the name in database_url. Mend the setting and start again."
            }
        })
    }
}

impl StoreError {
    /// What keeps the database from doing its work; nothing where only this question was at fault.
    pub fn trouble(&self) -> Option<Trouble> {
        match self {
            Self::NoAnswer(_) => Some(Trouble::Silent),
            Self::Locked(_) => Some(Trouble::Busy),
            Self::Database(error) => trouble_of(error),
            Self::Migration(
                sqlx::migrate::MigrateError::Execute(error)
                | sqlx::migrate::MigrateError::ExecuteMigration(error, _),
            ) => trouble_of(error),
            _ => None,
        }
    }

    /// Whether the database is away or does not answer: the same is worth asking again later.
    pub fn is_unavailable(&self) -> bool {
        self.trouble()
            .is_some_and(|trouble| trouble.passes() && trouble != Trouble::Busy)
    }

    /// Whether there is no room on the database's disk.
    pub fn is_disk_full(&self) -> bool {
        self.trouble() == Some(Trouble::DiskFull)
    }

    /// Whether somebody else held the lock for longer than we wait.
    pub fn is_busy(&self) -> bool {
        self.trouble() == Some(Trouble::Busy)
    }

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

fn trouble_of(error: &sqlx::Error) -> Option<Trouble> {
    match error {
        sqlx::Error::Io(error) if error.kind() == io::ErrorKind::StorageFull => {
            Some(Trouble::DiskFull)
        }
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => Some(Trouble::Unreachable),
        sqlx::Error::PoolTimedOut => Some(Trouble::Silent),
        sqlx::Error::Database(error) => {
            let code = error.code()?;
            if code.len() == POSTGRES_CODE {
                postgres_trouble(&code)
            } else {
                sqlite_trouble(code.parse().ok()?)
            }
        }
        _ => None,
    }
}

/// PostgreSQL's codes have so many characters; those of SQLite are numbers below 10,000.
const POSTGRES_CODE: usize = 5;

fn postgres_trouble(code: &str) -> Option<Trouble> {
    Some(match code {
        // What stopped our query was an administrator, a crash, or the time set for it.
        "57P01" | "57P02" | "57P03" | "57P05" => Trouble::Starting,
        "57014" | "25P03" | "25P04" => Trouble::Silent,
        "25006" => Trouble::ReadOnly,
        "3D000" => Trouble::Refused,
        "53100" => Trouble::DiskFull,
        "55P03" => Trouble::Busy,
        _ => match &code[..2] {
            "08" => Trouble::Unreachable,
            "28" => Trouble::Refused,
            "53" => Trouble::Crowded,
            "58" => Trouble::Storage,
            _ => return None,
        },
    })
}

/// The lower eight bits of an extended code are SQLITE_BUSY, _LOCKED, _READONLY, _IOERR, _FULL, _CANTOPEN.
fn sqlite_trouble(code: u32) -> Option<Trouble> {
    Some(match code & 0xff {
        5 | 6 => Trouble::Busy,
        8 => Trouble::ReadOnly,
        10 | 14 => Trouble::Storage,
        13 => Trouble::DiskFull,
        _ => return None,
    })
}

/// PostgreSQL's codes have five characters; classes 22, 23 and 54 are about the values. SQLite's are numbers; their lower
/// eight bits are SQLITE_TOOBIG, SQLITE_CONSTRAINT or SQLITE_MISMATCH.
fn refuses_values(code: &str) -> bool {
    if code.len() == POSTGRES_CODE {
        return ["22", "23", "54"]
            .iter()
            .any(|class| code.starts_with(class));
    }
    code.parse::<u32>()
        .is_ok_and(|number| matches!(number & 0xff, 18..=20))
}
