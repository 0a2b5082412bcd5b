//! What the browser shows of a document.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use model::{Category, DocumentId};

use super::document_file::serve_original;
use super::document_thumbnail::derived_file;
use crate::error::{ApiError, ErrorBody};
use crate::extract::Path;
use crate::http::{file, media_type};
use crate::state::AppState;

/// The preview that was made of a document, or the original where the browser shows that.
#[utoipa::path(get, path = "/api/documents/{id}/preview", tag = "documents",
    params(("id" = String, Path), ("token" = Option<String>, Query, description = "A media token")), responses(
    (status = 200, description = "Something a browser shows", content_type = "application/pdf"),
    (status = 206, description = "The range asked for", content_type = "application/pdf"),
    (status = 401, body = ErrorBody),
    (status = 404, body = ErrorBody, description = "`document_not_found`, `original_missing`, `no_preview`")
))]
pub(crate) async fn get(
    State(app): State<Arc<AppState>>,
    Path(id): Path<DocumentId>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let mut document = app.document(&id).await?;
    let made = document.preview_path.as_deref();
    if let Some(preview) = made.and_then(|path| derived_file(&app, &document, path)) {
        return file::serve(&method, &headers, preview, no_preview).await;
    }
    if document.category == Category::Note || !media_type::is_shown(&document.mime) {
        return Err(no_preview());
    }
    document.mime = media_type::shown_as(&document.mime).to_owned();
    serve_original(&app, &method, &headers, document, false).await
}

fn no_preview() -> ApiError {
    ApiError::not_found("no_preview", "There is no preview of this document yet.")
}
