//! What happened to a document in the queue.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use model::{DocumentId, Timestamp};
use serde::Serialize;
use store::{TimelineEntry, TimelineKind};
use utoipa::ToSchema;

use crate::error::{ApiError, ErrorBody};
use crate::extract::Path;
use crate::state::AppState;

/// What happened to a document in the queue, oldest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct Timeline {
    #[schema(value_type = Vec<EntryFields>)]
    items: Vec<TimelineEntry>,
}

/// One entry.
#[derive(ToSchema)]
#[schema(as = TimelineEntry)]
#[allow(
    dead_code,
    reason = "described, never made: the store's own is what is sent"
)]
pub(crate) struct EntryFields {
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    stage: String,
    /// `enqueued`, `revived` (by a person), `started`, `retried` (it will be tried again), `waiting`, `worker_lost`,
    /// `handed_back`, `completed`, `failed` or `cancelled`.
    #[schema(value_type = String)]
    kind: TimelineKind,
    /// In which of the row's attempts.
    attempt: Option<i64>,
    code: Option<String>,
    message: Option<String>,
    worker: Option<String>,
    /// How long the run took, where that is known.
    duration_s: Option<f64>,
}

/// What happened to a document in the queue, oldest first.
#[utoipa::path(get, path = "/api/documents/{id}/timeline", tag = "queue", params(("id" = String, Path)), responses(
    (status = 200, body = Timeline),
    (status = 401, body = ErrorBody),
    (status = 404, body = ErrorBody, description = "`document_not_found`")
))]
pub(crate) async fn get(
    State(app): State<Arc<AppState>>,
    Path(id): Path<DocumentId>,
) -> Result<Json<Timeline>, ApiError> {
    app.document(&id).await?;
    let items = app.read().await?.timeline(&id).await?;
    Ok(Json(Timeline { items }))
}
