//! The extracted text.

use std::sync::Arc;

use axum::extract::State;
use model::DocumentId;

use crate::error::{ApiError, ErrorBody};
use crate::extract::Path;
use crate::state::AppState;

/// The whole extracted text; pages are separated by form feeds. Empty while nothing has been read.
#[utoipa::path(get, path = "/api/documents/{id}/text", tag = "documents", params(("id" = String, Path)), responses(
    (status = 200, body = String, content_type = "text/plain"),
    (status = 401, body = ErrorBody),
    (status = 404, body = ErrorBody, description = "`document_not_found`")
))]
pub(crate) async fn get(
    State(app): State<Arc<AppState>>,
    Path(id): Path<DocumentId>,
) -> Result<String, ApiError> {
    app.document(&id).await?;
    let text = app.read().await?.extracted_text(&id).await?;
    Ok(text.unwrap_or_default())
}
