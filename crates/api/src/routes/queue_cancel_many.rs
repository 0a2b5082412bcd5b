//! Stopping many rows.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use model::Status;

use super::queue_selection::{Count, QueueSelection};
use crate::error::{ApiError, ErrorBody};
use crate::extract::Json as Body;
use crate::state::AppState;

/// Stops the selected rows that are pending or running. The selection must say something; `{"all": true}` means everything.
#[utoipa::path(post, path = "/api/queue/cancel", tag = "queue", request_body = QueueSelection, responses(
    (status = 200, body = Count),
    (status = 400, body = ErrorBody, description = "`empty_selection`, `invalid_body`, `invalid_status`"),
    (status = 401, body = ErrorBody),
    (status = 404, body = ErrorBody, description = "`unknown_stage`")
))]
pub(crate) async fn post(
    State(app): State<Arc<AppState>>,
    Body(selection): Body<QueueSelection>,
) -> Result<Json<Count>, ApiError> {
    let open = [Status::Pending, Status::Processing];
    let selection = selection.narrowed()?.checked(&app, &open)?;
    let now = app.now();
    let count = app
        .store
        .cancel_selected(&selection, now, |_, _| {})
        .await?;
    Ok(Json(Count { count }))
}
