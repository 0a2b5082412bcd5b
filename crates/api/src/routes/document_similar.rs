//! Documents that mean something similar.

use std::sync::Arc;

use axum::extract::State;
use model::DocumentId;

use crate::error::{ApiError, ErrorBody};
use crate::extract::Path;
use crate::state::AppState;

/// Documents that mean something similar. Needs an embedding model.
#[utoipa::path(get, path = "/api/documents/{id}/similar", tag = "documents", params(("id" = String, Path)), responses(
    (status = 401, body = ErrorBody),
    (status = 404, body = ErrorBody, description = "`document_not_found`"),
    (status = 503, body = ErrorBody, description = "`no_embedding_model`")
))]
pub(crate) async fn get(
    State(app): State<Arc<AppState>>,
    Path(id): Path<DocumentId>,
) -> Result<(), ApiError> {
    app.document(&id).await?;
    Err(ApiError::unavailable(
        "no_embedding_model",
        "Similar documents need an embedding model, and this installation has none.",
    ))
}
