//! Trying a row again.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use model::{QueueItem, QueueItemId};

use crate::error::{ApiError, ErrorBody};
use crate::extract::Path;
use crate::state::AppState;
use crate::view::schema::QueueFields;

/// Tries a failed or cancelled row again with all its tries, or a pending one at once.
#[utoipa::path(post, path = "/api/queue/{id}/retry", tag = "queue", params(("id" = String, Path)), responses(
    (status = 200, body = QueueFields),
    (status = 401, body = ErrorBody),
    (status = 404, body = ErrorBody, description = "`queue_item_not_found`"),
    (status = 409, body = ErrorBody, description = "`not_retryable`: it is running or done")
))]
pub(crate) async fn post(
    State(app): State<Arc<AppState>>,
    Path(id): Path<QueueItemId>,
) -> Result<Json<QueueItem>, ApiError> {
    let mut tx = app.write().await?;
    let retried = tx.retry(&id, app.now()).await?;
    let item = tx.queue_item(&id).await?.ok_or_else(queue_item_not_found)?;
    if !retried {
        let message = format!(
            "This run is {}; only what has failed or was cancelled can be tried again.",
            item.status
        );
        return Err(ApiError::conflict("not_retryable", message));
    }
    tx.commit().await?;
    Ok(Json(item))
}

/// 404 for a row.
pub(super) fn queue_item_not_found() -> ApiError {
    ApiError::not_found(
        "queue_item_not_found",
        "There is no queue row with this id; it may have been tidied away.",
    )
}
