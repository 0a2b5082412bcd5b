//! What happened to a document's queue rows besides beginning and succeeding.

use model::{DocumentId, QueueItemId, Timestamp};
use serde::Serialize;

use super::Tx;
use crate::StoreError;
use crate::value::args;

/// A kind of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TroubleKind {
    /// Given up.
    Failed,
    /// It will be tried again.
    Retried,
    /// Something it needs is absent.
    Waiting,
    /// Its worker died.
    WorkerLost,
    /// A person stopped it.
    Cancelled,
    /// A person asked for it again.
    Revived,
}

impl TroubleKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::Failed,
        Self::Retried,
        Self::Waiting,
        Self::WorkerLost,
        Self::Cancelled,
        Self::Revived,
    ];

    /// The name used in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Retried => "retried",
            Self::Waiting => "waiting",
            Self::WorkerLost => "worker_lost",
            Self::Cancelled => "cancelled",
            Self::Revived => "revived",
        }
    }
}

/// One entry of what happened to a row.
#[derive(Clone, Debug, PartialEq)]
pub struct Trouble {
    /// The row's document.
    pub document_id: DocumentId,
    /// The row.
    pub row_id: QueueItemId,
    /// Its stage.
    pub stage: String,
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: TroubleKind,
    /// In which of the row's attempts.
    pub attempt: i64,
    /// For programs.
    pub code: Option<String>,
    /// For people.
    pub message: Option<String>,
    /// Who ran it.
    pub worker: Option<String>,
}

impl Tx {
    /// Notes a trouble. That a row waits for something is noted once, however often it is looked for.
    pub(super) async fn note_trouble(&mut self, trouble: &Trouble) -> Result<(), StoreError> {
        let t = trouble;
        self.execute(
            "INSERT INTO queue_troubles (document_id, row_id, stage, at, kind, attempt, code, message, worker) \
             SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9 WHERE NOT EXISTS (SELECT 1 FROM queue_troubles o \
                WHERE o.document_id = $1 AND o.row_id = $2 AND o.kind = 'waiting' AND o.kind = $5 AND o.code = $7) \
             ON CONFLICT DO NOTHING",
            args![
                &t.document_id,
                &t.row_id,
                &t.stage,
                t.at,
                t.kind.as_str(),
                t.attempt,
                t.code.clone(),
                t.message.clone(),
                t.worker.clone(),
            ],
        )
        .await?;
        Ok(())
    }
}
