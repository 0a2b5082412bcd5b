//! Putting a document into the trash.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use model::DocumentId;

use crate::error::{ApiError, ErrorBody};
use crate::extract::Path;
use crate::state::AppState;

/// Puts a document into the trash; its original stays where it is.
#[utoipa::path(delete, path = "/api/documents/{id}", tag = "documents", params(("id" = String, Path)), responses(
    (status = 204),
    (status = 401, body = ErrorBody),
    (status = 404, body = ErrorBody, description = "`document_not_found`")
))]
pub(crate) async fn delete(
    State(app): State<Arc<AppState>>,
    Path(id): Path<DocumentId>,
) -> Result<StatusCode, ApiError> {
    let now = app.now();
    let mut tx = app.write().await?;
    let document = tx.document(&id).await?;
    let document = document.ok_or_else(ApiError::document_not_found)?;
    if document.trashed_at.is_none() {
        tx.set_trashed(&id, Some(now), now).await?;
        tx.commit().await?;
    }
    Ok(StatusCode::NO_CONTENT)
}
