//! Trying everything again that has failed.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use model::Status;

use super::queue_selection::{Count, QueueSelection};
use crate::error::{ApiError, ErrorBody};
use crate::state::AppState;

/// Tries failed rows again with all their tries: the selected ones, or all where no body is sent. Rows that were cancelled
/// where the selection has that status.
#[utoipa::path(post, path = "/api/queue/retry-failed", tag = "queue", request_body = Option<QueueSelection>, responses(
    (status = 200, body = Count),
    (status = 400, body = ErrorBody, description = "`invalid_body`, `invalid_status`"),
    (status = 401, body = ErrorBody),
    (status = 404, body = ErrorBody, description = "`unknown_stage`")
))]
pub(crate) async fn post(
    State(app): State<Arc<AppState>>,
    body: Bytes,
) -> Result<Json<Count>, ApiError> {
    let ended = [Status::Failed, Status::Cancelled];
    let selection = QueueSelection::read(&body)?.checked(&app, &ended)?;
    let now = app.now();
    let count = app.store.retry_selected(&selection, now, |_, _| {}).await?;
    Ok(Json(Count { count }))
}
