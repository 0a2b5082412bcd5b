//! What happened to a document's queue rows: what went wrong is noted when it happens, the rest the rows know.

use model::{DocumentId, QueueItem, QueueItemId, Status, Timestamp};
use serde::Serialize;

use super::Tx;
use super::queue::{COLUMNS, read_items};
use crate::StoreError;
use crate::value::{Row, Value, args};

/// A timeline is made of so many of a document's newest rows, and of so many of its newest troubles.
const TIMELINE_ROWS: i64 = 1000;

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

    /// Notes the same of many rows, as they are at this moment in the transaction.
    pub(super) async fn note_rows(
        &mut self,
        ids: Vec<String>,
        kind: TroubleKind,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = format!(
            "INSERT INTO queue_troubles (document_id, row_id, stage, at, kind, attempt, code, message, worker) \
             SELECT document_id, id, stage, $2, $3, attempts, NULL, NULL, worker FROM processing_queue WHERE id {} \
             ON CONFLICT DO NOTHING",
            self.words.any("$1")
        );
        self.execute(
            sql,
            vec![Value::Texts(ids), at.into(), kind.as_str().into()],
        )
        .await?;
        Ok(())
    }

    /// What happened to a document in the queue, oldest first: of each row what it still knows, and what was noted.
    pub async fn timeline(&mut self, id: &DocumentId) -> Result<Vec<TimelineEntry>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM processing_queue WHERE document_id = $1 ORDER BY id DESC LIMIT $2"
        );
        let rows = read_items(self.fetch(sql, args![id, TIMELINE_ROWS]).await?)?;
        let troubles = self
            .fetch(
                "SELECT row_id, stage, at, kind, attempt, code, message, worker FROM queue_troubles \
                 WHERE document_id = $1 ORDER BY at DESC LIMIT $2",
                args![id, TIMELINE_ROWS],
            )
            .await?;
        let troubles = troubles
            .into_iter()
            .map(|row| read_trouble(row, id))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(entries(&rows, troubles))
    }
}

/// What a timeline says happened, in the order in which things of one moment did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TimelineKind {
    /// It was asked for.
    Enqueued,
    /// A person asked for it again.
    Revived,
    /// A run began.
    Started,
    /// It will be tried again.
    Retried,
    /// Something it needs is absent.
    Waiting,
    /// Its worker died.
    WorkerLost,
    /// Its worker stopped and gave it back.
    HandedBack,
    /// It succeeded.
    Completed,
    /// It was given up.
    Failed,
    /// A person stopped it.
    Cancelled,
}

impl TimelineKind {
    /// The name used in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enqueued => "enqueued",
            Self::Revived => "revived",
            Self::Started => "started",
            Self::Retried => "retried",
            Self::Waiting => "waiting",
            Self::WorkerLost => "worker_lost",
            Self::HandedBack => "handed_back",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl From<TroubleKind> for TimelineKind {
    fn from(kind: TroubleKind) -> Self {
        match kind {
            TroubleKind::Failed => Self::Failed,
            TroubleKind::Retried => Self::Retried,
            TroubleKind::Waiting => Self::Waiting,
            TroubleKind::WorkerLost => Self::WorkerLost,
            TroubleKind::Cancelled => Self::Cancelled,
            TroubleKind::Revived => Self::Revived,
        }
    }
}

/// One entry of a document's timeline.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TimelineEntry {
    /// When.
    pub at: Timestamp,
    /// The stage.
    pub stage: String,
    /// What.
    pub kind: TimelineKind,
    /// In which of the row's attempts, where it was in one.
    pub attempt: Option<i64>,
    /// For programs.
    pub code: Option<String>,
    /// For people.
    pub message: Option<String>,
    /// Who ran it.
    pub worker: Option<String>,
    /// How long the run took, in seconds, where that is known.
    pub duration_s: Option<f64>,
}

fn read_trouble(mut row: Row, document_id: &DocumentId) -> Result<Trouble, StoreError> {
    Ok(Trouble {
        document_id: document_id.clone(),
        row_id: QueueItemId(row.text()?),
        stage: row.text()?,
        at: row.time()?,
        kind: {
            let name = row.text()?;
            let known = TroubleKind::ALL.into_iter().find(|k| k.as_str() == name);
            known.ok_or(StoreError::Unreadable(name))?
        },
        attempt: row.int()?,
        code: row.opt_text()?,
        message: row.opt_text()?,
        worker: row.opt_text()?,
    })
}

fn entries(rows: &[QueueItem], troubles: Vec<Trouble>) -> Vec<TimelineEntry> {
    let known = rows.iter().flat_map(|row| told_by(row, &troubles));
    let mut entries: Vec<_> = known.collect();
    entries.extend(troubles.into_iter().map(|trouble| {
        let row = rows.iter().find(|row| row.id == trouble.row_id);
        noted(trouble, row)
    }));
    entries.sort_by(|a, b| (a.at, a.kind, &a.stage).cmp(&(b.at, b.kind, &b.stage)));
    entries
}

/// What a row says of itself.
fn told_by(row: &QueueItem, troubles: &[Trouble]) -> Vec<TimelineEntry> {
    let entry = |at, kind| TimelineEntry {
        at,
        stage: row.stage.clone(),
        kind,
        attempt: None,
        code: None,
        message: None,
        worker: None,
        duration_s: None,
    };
    let mut told = vec![entry(row.created_at, TimelineKind::Enqueued)];
    if let Some(at) = row.started_at {
        told.push(TimelineEntry {
            attempt: Some(row.attempts).filter(|attempt| *attempt > 0),
            worker: row.worker.clone(),
            ..entry(at, TimelineKind::Started)
        });
        // It began, and is pending without a reason.
        let since = |trouble: &&Trouble| trouble.row_id == row.id && trouble.at >= at;
        if row.status == Status::Pending
            && row.waiting_for.is_none()
            && troubles.iter().find(since).is_none()
        {
            told.push(entry(row.run_at, TimelineKind::HandedBack));
        }
    }
    if let (Status::Completed, Some(at)) = (row.status, row.completed_at) {
        told.push(TimelineEntry {
            attempt: Some(row.attempts),
            duration_s: seconds(row.started_at, at),
            ..entry(at, TimelineKind::Completed)
        });
    }
    told
}

fn noted(trouble: Trouble, row: Option<&QueueItem>) -> TimelineEntry {
    // The row knows when its latest run began.
    let began = row
        .filter(|row| row.attempts == trouble.attempt && trouble.kind != TroubleKind::Revived)
        .and_then(|row| row.started_at)
        .filter(|began| *began <= trouble.at);
    TimelineEntry {
        at: trouble.at,
        stage: trouble.stage,
        kind: trouble.kind.into(),
        attempt: Some(trouble.attempt).filter(|attempt| *attempt > 0),
        code: trouble.code,
        message: trouble.message,
        worker: trouble.worker,
        duration_s: began.and_then(|began| seconds(Some(began), trouble.at)),
    }
}

fn seconds(from: Option<Timestamp>, to: Timestamp) -> Option<f64> {
    from.map(|from| to.ms_since(from).max(0) as f64 / 1000.0)
}
