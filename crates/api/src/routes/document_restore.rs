//! Taking a document out of the trash.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use model::DocumentId;

use crate::error::{ApiError, ErrorBody};
use crate::extract::Path;
use crate::state::AppState;
use crate::view::document::DocumentView;

/// Takes a document out of the trash.
#[utoipa::path(post, path = "/api/documents/{id}/restore", tag = "documents", params(("id" = String, Path)), responses(
    (status = 200, body = DocumentView),
    (status = 401, body = ErrorBody),
    (status = 404, body = ErrorBody, description = "`document_not_found`")
))]
pub(crate) async fn post(
    State(app): State<Arc<AppState>>,
    Path(id): Path<DocumentId>,
) -> Result<Json<DocumentView>, ApiError> {
    let mut tx = app.write().await?;
    if !tx.set_trashed(&id, None, app.now()).await? {
        return Err(ApiError::document_not_found());
    }
    let document = tx.document(&id).await?;
    let document = document.ok_or_else(ApiError::document_not_found)?;
    let view = DocumentView::of(&mut tx, document, &app.graph).await?;
    tx.commit().await?;
    Ok(Json(view))
}
