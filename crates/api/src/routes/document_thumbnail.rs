//! The small picture of a document.

use std::path::{Component, Path as FilePath, PathBuf};
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use model::{Document, DocumentId};

use crate::error::{ApiError, ErrorBody};
use crate::extract::Path;
use crate::http::file::{self, ServedFile};
use crate::state::AppState;

/// The small picture of a document.
#[utoipa::path(get, path = "/api/documents/{id}/thumbnail", tag = "documents",
    params(("id" = String, Path), ("token" = Option<String>, Query, description = "A media token")), responses(
    (status = 200, description = "A picture", content_type = "image/jpeg"),
    (status = 401, body = ErrorBody),
    (status = 404, body = ErrorBody, description = "`document_not_found`, `no_thumbnail`")
))]
pub(crate) async fn get(
    State(app): State<Arc<AppState>>,
    Path(id): Path<DocumentId>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let document = app.document(&id).await?;
    serve_thumbnail(&app, &method, &headers, &document).await
}

/// Answers with the document's thumbnail.
pub(super) async fn serve_thumbnail(
    app: &AppState,
    method: &Method,
    headers: &HeaderMap,
    document: &Document,
) -> Result<Response, ApiError> {
    let path = document
        .thumbnail_path
        .as_deref()
        .ok_or_else(no_thumbnail)?;
    let file = derived_file(app, document, path).ok_or_else(no_thumbnail)?;
    file::serve(method, headers, file, no_thumbnail).await
}

/// A derived file of the document; `None` where the path leads out of the folder.
pub(super) fn derived_file(app: &AppState, document: &Document, path: &str) -> Option<ServedFile> {
    let relative = FilePath::new(path);
    let plain = relative
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    let name = relative.file_name()?.to_string_lossy().into_owned();
    plain.then(|| ServedFile {
        path: PathBuf::from(&app.derived_dir).join(relative),
        mime: mime_guess::from_path(relative)
            .first_or_octet_stream()
            .to_string(),
        // Made anew whenever the document changes, which also sets that time.
        tag: format!("{}-{}", document.content_hash, document.updated_at.0),
        size: None,
        name,
        download: false,
    })
}

fn no_thumbnail() -> ApiError {
    ApiError::not_found(
        "no_thumbnail",
        "There is no thumbnail of this document yet.",
    )
}
