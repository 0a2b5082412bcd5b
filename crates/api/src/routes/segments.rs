//! The transcript of a recording.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use model::{DocumentId, Segment};

use crate::error::{ApiError, ErrorBody};
use crate::extract::Path;
use crate::state::AppState;
use crate::view::schema::SegmentFields;

/// The lines of the transcript, in the order of their start.
#[utoipa::path(get, path = "/api/audio/{id}/segments", tag = "audio", params(("id" = String, Path)), responses(
    (status = 200, body = [SegmentFields]),
    (status = 401, body = ErrorBody),
    (status = 404, body = ErrorBody, description = "`document_not_found`")
))]
pub(crate) async fn get(
    State(app): State<Arc<AppState>>,
    Path(id): Path<DocumentId>,
) -> Result<Json<Vec<Segment>>, ApiError> {
    app.document(&id).await?;
    let mut segments = app.read().await?.segments(&id).await?;
    for segment in &mut segments {
        // Half a megabyte for an hour of speech, which no page uses.
        segment.words = None;
    }
    Ok(Json(segments))
}
