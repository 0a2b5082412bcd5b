//! Making a playable copy of a video.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use model::DocumentId;

use super::document_stage::{Enqueued, enqueue};
use super::video_thumbnail::video;
use crate::error::{ApiError, ErrorBody};
use crate::extract::Path;
use crate::state::AppState;

/// The stage that makes playable copies.
const CONVERT: &str = "convert";

/// Asks for a playable copy of a video; the original stays as it is.
#[utoipa::path(post, path = "/api/video/{id}/convert", tag = "video", params(("id" = String, Path)), responses(
    (status = 202, body = Enqueued),
    (status = 401, body = ErrorBody),
    (status = 404, body = ErrorBody, description = "`document_not_found`, `not_a_video`, `unknown_stage`"),
    (status = 409, body = ErrorBody, description = "`stage_not_wanted`: it plays as it is")
))]
pub(crate) async fn post(
    State(app): State<Arc<AppState>>,
    Path(id): Path<DocumentId>,
) -> Result<(StatusCode, Json<Enqueued>), ApiError> {
    let document = video(&app, &id).await?;
    let enqueued = enqueue(&app, &document, CONVERT).await?;
    Ok((StatusCode::ACCEPTED, Json(enqueued)))
}
