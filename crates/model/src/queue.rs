//! The processing queue's row, and what a stage says of itself.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{DocumentId, QueueItemId, Timestamp};

/// The name of a stage, as in the database and the API.
pub type StageName = &'static str;

/// Which work goes first. A closed set, so that a claim can look up each class by itself and never walks past rows that
/// are not due yet.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(from = "i64", into = "i64")]
pub enum Priority {
    /// Done when nothing else is due: documents done again because a stage got better.
    Backfill,
    /// Everything else, such as what was found in a folder.
    #[default]
    Bulk,
    /// A person waits for it: an upload, a note, a step run again, one file named on the command line.
    Person,
}

impl Priority {
    /// Every priority, the first to go first.
    pub const ALL: [Self; 3] = [Self::Person, Self::Bulk, Self::Backfill];

    /// The number in the database and the API; higher goes first.
    pub const fn as_i64(self) -> i64 {
        match self {
            Self::Person => 10,
            Self::Bulk => 0,
            Self::Backfill => -10,
        }
    }
}

impl From<i64> for Priority {
    /// The class a number belongs to: whatever a person or another version wrote, it is some class's turn.
    fn from(number: i64) -> Self {
        match number {
            10.. => Self::Person,
            0..10 => Self::Bulk,
            _ => Self::Backfill,
        }
    }
}

impl From<Priority> for i64 {
    fn from(priority: Priority) -> Self {
        priority.as_i64()
    }
}

/// Longest error message kept, in characters.
pub const ERROR_MESSAGE_MAX_CHARS: usize = 500;

/// Where a queue row stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Waits for its time, a worker, or what `waiting_for` names.
    Pending,
    /// A worker holds the lease.
    Processing,
    /// Done; its results are committed.
    Completed,
    /// Given up; the message says why.
    Failed,
    /// A person stopped it.
    Cancelled,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 5] = [
        Self::Pending,
        Self::Processing,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
    ];

    /// The name used in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Processing => "processing",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that names no [`Status`].
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no status; it is one of pending, processing, completed, failed, cancelled")]
pub struct UnknownStatus(pub String);

impl FromStr for Status {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| UnknownStatus(text.to_owned()))
    }
}

/// One row of the processing queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueueItem {
    /// UUIDv7.
    pub id: QueueItemId,
    /// The document the work is for.
    pub document_id: DocumentId,
    /// Which stage does it.
    pub stage: String,
    /// Where it stands.
    pub status: Status,
    /// Higher goes first.
    pub priority: Priority,
    /// Runs begun, this one included.
    pub attempts: i64,
    /// After so many runs it is failed.
    pub max_attempts: i64,
    /// Not before.
    pub run_at: Timestamp,
    /// When it was enqueued.
    pub created_at: Timestamp,
    /// When the latest run began.
    pub started_at: Option<Timestamp>,
    /// When it was completed, failed or cancelled.
    pub completed_at: Option<Timestamp>,
    /// Until when the worker's claim holds without a heartbeat.
    pub lease_until: Option<Timestamp>,
    /// Names this very claim; completion is fenced by it.
    #[serde(skip)]
    pub lease_id: Option<String>,
    /// Who runs it.
    pub worker: Option<String>,
    /// 0 to 1.
    pub progress: Option<f64>,
    /// What is absent, when the stage said `wait`.
    pub waiting_for: Option<String>,
    /// Machine-readable cause of the latest failure.
    pub error_code: Option<String>,
    /// Human-readable cause of the latest failure; never empty, at most [`ERROR_MESSAGE_MAX_CHARS`] characters.
    pub error_message: Option<String>,
    /// Version of the stage that did it.
    pub stage_version: i64,
    /// How often its worker died while it had this row.
    pub crashes: i64,
}

/// What a stage's work mostly costs; lanes bound how much runs at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// Processor time on this machine.
    Cpu,
    /// The accelerator (or what stands in for it).
    Gpu,
    /// A language model, usually elsewhere.
    Llm,
}

/// What a stage says of itself; names, labels, the graph and the docs derive from it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct StageSpec {
    /// Its name.
    pub name: StageName,
    /// The stages whose completion enqueues it; empty where ingest does, or a person.
    pub after: &'static [StageName],
    /// Whether ingest enqueues it.
    pub at_ingest: bool,
    /// Raised when its results change, so that older documents are done again.
    pub version: i64,
    /// What it costs.
    pub lane: Lane,
    /// How many at once by default.
    pub concurrency: usize,
    /// How long a claim holds without a heartbeat, in milliseconds.
    pub lease_ms: i64,
    /// How often it is tried.
    pub max_attempts: i64,
}

/// A message fit for `error_message`: trimmed, at most [`ERROR_MESSAGE_MAX_CHARS`] characters, and `fallback` where nothing is left.
pub fn bounded_error_message(message: &str, fallback: &str) -> String {
    let trimmed = message.trim();
    let text = if trimmed.is_empty() {
        fallback
    } else {
        trimmed
    };
    // PostgreSQL's TEXT holds no NUL.
    text.chars()
        .filter(|c| *c != '\0')
        .take(ERROR_MESSAGE_MAX_CHARS)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_message_is_never_empty_and_never_too_long() {
        assert_eq!(bounded_error_message("  ", "retry"), "retry");
        let long = "가".repeat(2000);
        assert_eq!(
            bounded_error_message(&long, "x").chars().count(),
            ERROR_MESSAGE_MAX_CHARS
        );
    }

    #[test]
    fn every_status_reads_back() {
        for status in Status::ALL {
            assert_eq!(status.as_str().parse::<Status>().unwrap(), status);
        }
        assert!("done".parse::<Status>().is_err());
    }
}
