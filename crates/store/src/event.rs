//! What changed, told to whoever listens in this process. A hint: the database is the truth.
//!
//! On PostgreSQL the other processes on the database are heard as well: of them one hears of documents, of cancelled rows and
//! of stages that have work, not of every row.

use model::{Category, DocumentId, QueueItemId, Status};

/// A committed change.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A document was added, changed, or removed.
    Document {
        /// Which one.
        id: DocumentId,
        /// Its category, where the change knew it.
        category: Option<Category>,
    },
    /// A queue row changed.
    Queue {
        /// Which row.
        id: QueueItemId,
        /// Its document.
        document_id: DocumentId,
        /// Its stage.
        stage: String,
        /// Where it stands now.
        status: Status,
        /// 0 to 1, where known.
        progress: Option<f64>,
    },
    /// A stage was paused or resumed, or has work that another process made.
    Stage {
        /// Its name.
        stage: String,
    },
    /// Other processes may have changed anything: whoever listens looks at everything again.
    Missed,
}

impl Event {
    /// Whether it tells of work to do, or of work not to be done.
    pub(crate) fn is_work(&self) -> bool {
        match self {
            Self::Queue { status, .. } => matches!(status, Status::Pending | Status::Cancelled),
            Self::Stage { .. } | Self::Missed => true,
            Self::Document { .. } => false,
        }
    }
}
