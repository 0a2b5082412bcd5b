//! Subtitles out of a video or from beside it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use model::{Document, DocumentId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::document_thumbnail::derived_file;
use super::video_thumbnail::video;
use crate::error::{ApiError, ErrorBody};
use crate::extract::Path;
use crate::http::file;
use crate::state::AppState;

/// A track of subtitles; its text is at `/api/video/{id}/subtitles/{n}`, n being its place in the list.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct SubtitleTrack {
    /// Two or three letters, where known.
    language: Option<String>,
    /// What the file calls it.
    title: Option<String>,
}

/// The tracks of subtitles that a video has.
#[utoipa::path(get, path = "/api/video/{id}/subtitles", tag = "video", params(("id" = String, Path)), responses(
    (status = 200, body = Vec<SubtitleTrack>),
    (status = 401, body = ErrorBody),
    (status = 404, body = ErrorBody, description = "`document_not_found`, `not_a_video`")
))]
pub(crate) async fn list(
    State(app): State<Arc<AppState>>,
    Path(id): Path<DocumentId>,
) -> Result<Json<Vec<SubtitleTrack>>, ApiError> {
    let document = video(&app, &id).await?;
    let path = app.derived_dir.join(place(&document, "tracks.json"));
    let tracks = match tokio::fs::read(path).await {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|e| ApiError::internal(&e))?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(ApiError::internal(&error)),
    };
    Ok(Json(tracks))
}

/// One track as WebVTT.
#[utoipa::path(get, path = "/api/video/{id}/subtitles/{n}", tag = "video",
    params(("id" = String, Path), ("n" = u32, Path), ("token" = Option<String>, Query, description = "A media token")), responses(
    (status = 200, description = "A track", content_type = "text/vtt"),
    (status = 401, body = ErrorBody),
    (status = 404, body = ErrorBody, description = "`document_not_found`, `not_a_video`, `no_subtitles`")
))]
pub(crate) async fn track(
    State(app): State<Arc<AppState>>,
    Path((id, n)): Path<(DocumentId, u32)>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let document = video(&app, &id).await?;
    let path = place(&document, &format!("{n}.vtt"));
    let file = derived_file(&app, &document, &path).ok_or_else(no_subtitles)?;
    file::serve(&method, &headers, file, no_subtitles).await
}

fn place(document: &Document, name: &str) -> String {
    format!("subtitles/{}/{name}", document.content_hash)
}

fn no_subtitles() -> ApiError {
    ApiError::not_found("no_subtitles", "This video has no such track of subtitles.")
}
