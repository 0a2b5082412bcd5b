//! Stopping a row.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use model::{QueueItem, QueueItemId};

use super::queue_retry::queue_item_not_found;
use crate::error::{ApiError, ErrorBody};
use crate::extract::Path;
use crate::state::AppState;
use crate::view::schema::QueueFields;

/// Stops a pending or running row.
#[utoipa::path(post, path = "/api/queue/{id}/cancel", tag = "queue", params(("id" = String, Path)), responses(
    (status = 200, body = QueueFields),
    (status = 401, body = ErrorBody),
    (status = 404, body = ErrorBody, description = "`queue_item_not_found`"),
    (status = 409, body = ErrorBody, description = "`not_cancellable`: it has ended")
))]
pub(crate) async fn post(
    State(app): State<Arc<AppState>>,
    Path(id): Path<QueueItemId>,
) -> Result<Json<QueueItem>, ApiError> {
    let mut tx = app.write().await?;
    let cancelled = tx.cancel(&id, app.now()).await?;
    let item = tx.queue_item(&id).await?.ok_or_else(queue_item_not_found)?;
    if !cancelled {
        let message = format!(
            "This run is {} already; there is nothing to stop.",
            item.status
        );
        return Err(ApiError::conflict("not_cancellable", message));
    }
    tx.commit().await?;
    Ok(Json(item))
}
