//! Queue rows in JSON.

use model::{QueueItem, QueueItemId, Status, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::schema;

/// The newest run of one stage of a document.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StageRow {
    #[schema(value_type = String)]
    id: QueueItemId,
    stage: String,
    #[schema(value_type = schema::StatusWord)]
    status: Status,
    attempts: i64,
    max_attempts: i64,
    /// 0 to 1.
    progress: Option<f64>,
    error_code: Option<String>,
    error_message: Option<String>,
    /// What is absent.
    waiting_for: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    started_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    completed_at: Option<Timestamp>,
    /// Not before.
    #[schema(value_type = String, format = DateTime)]
    run_at: Timestamp,
}

impl From<QueueItem> for StageRow {
    fn from(item: QueueItem) -> Self {
        Self {
            id: item.id,
            stage: item.stage,
            status: item.status,
            attempts: item.attempts,
            max_attempts: item.max_attempts,
            progress: item.progress,
            error_code: item.error_code,
            error_message: item.error_message,
            waiting_for: item.waiting_for,
            created_at: item.created_at,
            started_at: item.started_at,
            completed_at: item.completed_at,
            run_at: item.run_at,
        }
    }
}

/// A row of the queue with the title of its document.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QueueItem)]
pub(crate) struct QueueItemView {
    #[serde(flatten)]
    #[schema(value_type = schema::QueueFields)]
    pub item: QueueItem,
    pub document_title: String,
}
