//! Saying when a row's turn is.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use model::{Priority, QueueItem, QueueItemId};
use serde::Deserialize;
use utoipa::ToSchema;

use super::queue_retry::queue_item_not_found;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{Json as Body, Path};
use crate::state::AppState;
use crate::view::schema::QueueFields;

/// When a row's turn is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Turn {
    /// 10: a person waits for it; 0: like everything else; -10: when nothing else is due.
    priority: i64,
}

/// Lets a pending row go before or after others.
#[utoipa::path(post, path = "/api/queue/{id}/priority", tag = "queue", params(("id" = String, Path)), request_body = Turn,
    responses(
    (status = 200, body = QueueFields),
    (status = 400, body = ErrorBody, description = "`invalid_priority`"),
    (status = 401, body = ErrorBody),
    (status = 404, body = ErrorBody, description = "`queue_item_not_found`"),
    (status = 409, body = ErrorBody, description = "`not_pending`: it has begun or ended")
))]
pub(crate) async fn post(
    State(app): State<Arc<AppState>>,
    Path(id): Path<QueueItemId>,
    Body(turn): Body<Turn>,
) -> Result<Json<QueueItem>, ApiError> {
    let priority = Priority::ALL
        .into_iter()
        .find(|priority| priority.as_i64() == turn.priority)
        .ok_or_else(|| {
            let message = format!("{} is no priority; it is 10, 0 or -10.", turn.priority);
            ApiError::bad_request("invalid_priority", message)
        })?;
    let mut tx = app.write().await?;
    let set = tx.set_priority(&id, priority).await?;
    let item = tx.queue_item(&id).await?.ok_or_else(queue_item_not_found)?;
    if !set {
        let message = format!(
            "This run is {}; only one that is still pending can be put before or after others.",
            item.status
        );
        return Err(ApiError::conflict("not_pending", message));
    }
    tx.commit().await?;
    Ok(Json(item))
}
