//! Small pictures of a video for its seek bar.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use model::DocumentId;

use super::document_thumbnail::derived_file;
use super::video_thumbnail::video;
use crate::error::{ApiError, ErrorBody};
use crate::extract::Path;
use crate::http::file;
use crate::state::AppState;

/// Which part of the sheet shows which seconds: a WebVTT track of `storyboard.jpg#xywh=…`.
#[utoipa::path(get, path = "/api/video/{id}/storyboard.vtt", tag = "video",
    params(("id" = String, Path), ("token" = Option<String>, Query, description = "A media token")), responses(
    (status = 200, description = "A track", content_type = "text/vtt"),
    (status = 401, body = ErrorBody),
    (status = 404, body = ErrorBody, description = "`document_not_found`, `not_a_video`; `no_storyboard` until the stage `storyboard` has run")
))]
pub(crate) async fn track(
    State(app): State<Arc<AppState>>,
    Path(id): Path<DocumentId>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    serve(&app, &id, &method, &headers, "vtt").await
}

/// The sheet of small pictures.
#[utoipa::path(get, path = "/api/video/{id}/storyboard.jpg", tag = "video",
    params(("id" = String, Path), ("token" = Option<String>, Query, description = "A media token")), responses(
    (status = 200, description = "A picture", content_type = "image/jpeg"),
    (status = 401, body = ErrorBody),
    (status = 404, body = ErrorBody, description = "`document_not_found`, `not_a_video`, `no_storyboard`")
))]
pub(crate) async fn sheet(
    State(app): State<Arc<AppState>>,
    Path(id): Path<DocumentId>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    serve(&app, &id, &method, &headers, "jpg").await
}

async fn serve(
    app: &AppState,
    id: &DocumentId,
    method: &Method,
    headers: &HeaderMap,
    extension: &str,
) -> Result<Response, ApiError> {
    let document = video(app, id).await?;
    let path = format!("storyboards/{}.{extension}", document.content_hash);
    let file = derived_file(app, &document, &path).ok_or_else(no_storyboard)?;
    file::serve(method, headers, file, no_storyboard).await
}

fn no_storyboard() -> ApiError {
    ApiError::not_found(
        "no_storyboard",
        "There are no pictures for this video's seek bar yet; run its stage storyboard.",
    )
}
