//! The frame that stands for a video.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use model::{Category, Document, DocumentId};

use super::document_thumbnail::serve_thumbnail;
use crate::error::{ApiError, ErrorBody};
use crate::extract::Path;
use crate::state::AppState;

/// The frame that stands for a video.
#[utoipa::path(get, path = "/api/video/{id}/thumbnail", tag = "video",
    params(("id" = String, Path), ("token" = Option<String>, Query, description = "A media token")), responses(
    (status = 200, description = "A picture", content_type = "image/jpeg"),
    (status = 401, body = ErrorBody),
    (status = 404, body = ErrorBody, description = "`document_not_found`, `not_a_video`, `no_thumbnail`")
))]
pub(crate) async fn get(
    State(app): State<Arc<AppState>>,
    Path(id): Path<DocumentId>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let document = video(&app, &id).await?;
    serve_thumbnail(&app, &method, &headers, &document).await
}

/// The document, if it is a video.
pub(super) async fn video(app: &AppState, id: &DocumentId) -> Result<Document, ApiError> {
    let document = app.document(id).await?;
    if document.category == Category::Video {
        return Ok(document);
    }
    let message = format!(
        "This document is no video but of the category {}.",
        document.category
    );
    Err(ApiError::not_found("not_a_video", message))
}
