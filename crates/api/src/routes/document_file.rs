//! The original.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use ingest::IngestError;
use model::{Category, Document, DocumentId};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::error::{ApiError, ErrorBody};
use crate::extract::{Path, Query};
use crate::http::file::{self, ServedFile};
use crate::state::AppState;

/// How the original is wanted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct FileQuery {
    /// `1`: saved, even where the browser could show it.
    download: Option<String>,
    /// A media token, where there is neither cookie nor API token.
    #[serde(rename = "token")]
    _token: Option<String>,
}

/// The original, whole or in part.
#[utoipa::path(get, path = "/api/documents/{id}/file", tag = "documents", params(("id" = String, Path), FileQuery), responses(
    (status = 200, description = "All of it", content_type = "application/octet-stream"),
    (status = 206, description = "The range asked for", content_type = "application/octet-stream"),
    (status = 304, description = "Not changed"),
    (status = 401, body = ErrorBody),
    (status = 404, body = ErrorBody, description = "`document_not_found`, `original_missing`; `no_original` for a note"),
    (status = 416, body = ErrorBody, description = "`range_not_satisfiable`")
))]
pub(crate) async fn get(
    State(app): State<Arc<AppState>>,
    Path(id): Path<DocumentId>,
    Query(query): Query<FileQuery>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let document = app.document(&id).await?;
    let download = query
        .download
        .is_some_and(|flag| flag != "0" && flag != "false");
    serve_original(&app, &method, &headers, document, download).await
}

/// Answers with the document's original.
pub(super) async fn serve_original(
    app: &AppState,
    method: &Method,
    headers: &HeaderMap,
    document: Document,
    download: bool,
) -> Result<Response, ApiError> {
    if document.category == Category::Note {
        let message = "A note has no file; its text is at /api/documents/{id}/text.";
        return Err(ApiError::not_found("no_original", message));
    }
    let mut file = ServedFile {
        path: std::path::PathBuf::new(),
        mime: document.mime.clone(),
        tag: document.content_hash.clone(),
        size: u64::try_from(document.size).ok(),
        name: file_name(&document),
        download,
    };
    file.path = resolve(app, document).await?;
    file::serve(method, headers, file, original_missing).await
}

/// The original's path; looks at the disk, so off the async threads.
async fn resolve(app: &AppState, document: Document) -> Result<std::path::PathBuf, ApiError> {
    let ingest = Arc::clone(&app.ingest);
    let found = tokio::task::spawn_blocking(move || ingest.resolve(&document)).await;
    let found = found.map_err(|error| ApiError::internal(&error))?;
    found.map_err(|error| match error {
        IngestError::NotFound(_) => original_missing(),
        other => other.into(),
    })
}

fn original_missing() -> ApiError {
    ApiError::not_found(
        "original_missing",
        "The original is not in its folder: it was moved or deleted, or the disk is not mounted.",
    )
}

fn file_name(document: &Document) -> String {
    let path = document.path.as_deref().unwrap_or(&document.title);
    path.rsplit('/').next().unwrap_or(path).to_owned()
}
