//! One document.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use model::DocumentId;

use crate::error::{ApiError, ErrorBody};
use crate::extract::Path;
use crate::state::AppState;
use crate::view::document::DocumentDetail;

/// One document with the newest run of each of its stages.
#[utoipa::path(get, path = "/api/documents/{id}", tag = "documents", params(("id" = String, Path)), responses(
    (status = 200, body = DocumentDetail),
    (status = 401, body = ErrorBody),
    (status = 404, body = ErrorBody, description = "`document_not_found`")
))]
pub(crate) async fn get(
    State(app): State<Arc<AppState>>,
    Path(id): Path<DocumentId>,
) -> Result<Json<DocumentDetail>, ApiError> {
    let mut tx = app.read().await?;
    let document = tx.document(&id).await?;
    let document = document.ok_or_else(ApiError::document_not_found)?;
    let detail = DocumentDetail::of(&mut tx, document, &app.graph).await?;
    Ok(Json(detail))
}
