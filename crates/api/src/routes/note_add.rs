//! Writing a note.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::document_edit::checked_title;
use crate::error::{ApiError, ErrorBody};
use crate::extract::Json;
use crate::state::AppState;
use crate::view::document::DocumentView;

/// A note's title and text.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoteRequest {
    /// Without one the first line is the title.
    title: Option<String>,
    text: String,
}

impl NoteRequest {
    /// The title, where there is one, and the text.
    pub(super) fn checked(self) -> Result<(Option<String>, String), ApiError> {
        let title = self.title.filter(|title| !title.trim().is_empty());
        let title = title.as_deref().map(checked_title).transpose()?;
        Ok((title, self.text))
    }
}

/// Writes a note.
#[utoipa::path(post, path = "/api/notes", tag = "notes", request_body = NoteRequest, responses(
    (status = 201, body = DocumentView),
    (status = 400, body = ErrorBody, description = "`empty_file`: neither title nor text; `invalid_title`, `invalid_body`"),
    (status = 401, body = ErrorBody),
    (status = 413, body = ErrorBody, description = "`too_large`")
))]
pub(crate) async fn post(
    State(app): State<Arc<AppState>>,
    Json(request): Json<NoteRequest>,
) -> Result<(StatusCode, axum::Json<DocumentView>), ApiError> {
    let (title, text) = request.checked()?;
    let note = app.ingest.add_note(title.as_deref(), &text).await?;
    let view = DocumentView::of(&mut app.read().await?, note, &app.graph).await?;
    Ok((StatusCode::CREATED, axum::Json(view)))
}
