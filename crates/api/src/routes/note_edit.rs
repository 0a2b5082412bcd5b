//! Rewriting a note.

use std::sync::Arc;

use axum::extract::State;
use ingest::IngestError;
use model::DocumentId;

use super::note_add::NoteRequest;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{Json, Path};
use crate::state::AppState;
use crate::view::document::DocumentView;

/// Replaces a note's text, and its title where one is given.
#[utoipa::path(put, path = "/api/notes/{id}", tag = "notes", params(("id" = String, Path)), request_body = NoteRequest, responses(
    (status = 200, body = DocumentView),
    (status = 400, body = ErrorBody, description = "`empty_file`: neither title nor text; `invalid_title`, `invalid_body`"),
    (status = 401, body = ErrorBody),
    (status = 404, body = ErrorBody, description = "`note_not_found`"),
    (status = 413, body = ErrorBody, description = "`too_large`")
))]
pub(crate) async fn put(
    State(app): State<Arc<AppState>>,
    Path(id): Path<DocumentId>,
    Json(request): Json<NoteRequest>,
) -> Result<axum::Json<DocumentView>, ApiError> {
    let (title, text) = request.checked()?;
    let edited = app.ingest.edit_note(&id, title.as_deref(), &text).await;
    let note = edited.map_err(|error| match error {
        IngestError::NotFound(_) => {
            ApiError::not_found("note_not_found", "There is no note with this id.")
        }
        other => other.into(),
    })?;
    let view = DocumentView::of(&mut app.read().await?, note, &app.graph).await?;
    Ok(axum::Json(view))
}
