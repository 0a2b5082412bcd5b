//! A person's changes to a document.

use std::sync::Arc;

use axum::extract::State;
use model::{Category, Document, DocumentId, DocumentPatch, Timestamp};
use serde::Deserialize;
use store::DocumentEdit;
use utoipa::ToSchema;

use crate::error::{ApiError, ErrorBody};
use crate::extract::{Json, Path, line_of, parsed};
use crate::state::AppState;
use crate::view::document::DocumentView;
use crate::view::schema;

/// Longest title, in characters.
const TITLE_MAX_CHARS: usize = 500;
/// Longest language or document type, in characters.
const WORD_MAX_CHARS: usize = 64;
/// Longest tag, in characters.
const TAG_MAX_CHARS: usize = 64;
/// Tags of one document at most.
const TAGS_MAX: usize = 100;

/// What is to be changed; what is absent or null stays. No stage overwrites it from then on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EditRequest {
    title: Option<String>,
    /// The whole new set.
    tags: Option<Vec<String>>,
    /// `YYYY-MM-DD`.
    document_date: Option<String>,
    document_type: Option<String>,
    /// BCP 47.
    language: Option<String>,
    #[schema(value_type = Option<schema::CategoryWord>)]
    category: Option<String>,
}

/// Changes a document.
#[utoipa::path(patch, path = "/api/documents/{id}", tag = "documents", params(("id" = String, Path)),
    request_body = EditRequest, responses(
    (status = 200, body = DocumentView),
    (status = 400, body = ErrorBody, description = "`invalid_title`, `invalid_tags`, `invalid_date`, `invalid_document_type`, `invalid_language`, `invalid_category`, `invalid_body`"),
    (status = 401, body = ErrorBody),
    (status = 404, body = ErrorBody, description = "`document_not_found`")
))]
pub(crate) async fn patch(
    State(app): State<Arc<AppState>>,
    Path(id): Path<DocumentId>,
    Json(request): Json<EditRequest>,
) -> Result<axum::Json<DocumentView>, ApiError> {
    let edit = edit(request)?;
    check_category(&app.document(&id).await?, edit.patch.category)?;
    let mut tx = app.write().await?;
    if !tx.edit_document(&id, &edit, app.now()).await? {
        return Err(ApiError::document_not_found());
    }
    let document = tx.document(&id).await?;
    let document = document.ok_or_else(ApiError::document_not_found)?;
    let view = DocumentView::of(&mut tx, document, &app.graph).await?;
    tx.commit().await?;
    Ok(axum::Json(view))
}

fn edit(request: EditRequest) -> Result<DocumentEdit, ApiError> {
    let word = |text: Option<String>, code| text.map(|text| checked_word(&text, code)).transpose();
    Ok(DocumentEdit {
        patch: DocumentPatch {
            title: request.title.as_deref().map(checked_title).transpose()?,
            category: parsed(request.category.as_deref(), "invalid_category")?,
            document_date: request.document_date.map(checked_date).transpose()?,
            document_type: word(request.document_type, "invalid_document_type")?,
            language: word(request.language, "invalid_language")?,
            ..DocumentPatch::default()
        },
        tags: request.tags.map(checked_tags).transpose()?,
    })
}

/// A note has no file and a file is no note; between the others a person may choose.
fn check_category(document: &Document, new: Option<Category>) -> Result<(), ApiError> {
    let is_note = |category| category == Category::Note;
    if new.is_none_or(|new| is_note(new) == is_note(document.category)) {
        return Ok(());
    }
    Err(ApiError::bad_request(
        "invalid_category",
        "A note stays a note, and a file does not become one.",
    ))
}

/// A title as it is kept.
pub(super) fn checked_title(title: &str) -> Result<String, ApiError> {
    let title = line_of(title);
    if (1..=TITLE_MAX_CHARS).contains(&title.chars().count()) {
        return Ok(title);
    }
    let message = format!("A title has 1 to {TITLE_MAX_CHARS} characters.");
    Err(ApiError::bad_request("invalid_title", message))
}

/// Tags as they are kept: NFC, without blanks around them, each once.
pub(super) fn checked_tags(tags: Vec<String>) -> Result<Vec<String>, ApiError> {
    let mut kept: Vec<String> = tags.iter().map(|tag| line_of(tag)).collect();
    kept.sort();
    kept.dedup();
    let fits = |tag: &String| (1..=TAG_MAX_CHARS).contains(&tag.chars().count());
    if kept.len() <= TAGS_MAX && kept.iter().all(fits) {
        return Ok(kept);
    }
    let message =
        format!("A document has at most {TAGS_MAX} tags of 1 to {TAG_MAX_CHARS} characters.");
    Err(ApiError::bad_request("invalid_tags", message))
}

fn checked_word(text: &str, code: &'static str) -> Result<String, ApiError> {
    let word = line_of(text);
    if (1..=WORD_MAX_CHARS).contains(&word.chars().count()) {
        return Ok(word);
    }
    let message = format!("This value has 1 to {WORD_MAX_CHARS} characters.");
    Err(ApiError::bad_request(code, message))
}

fn checked_date(date: String) -> Result<String, ApiError> {
    let exists = Timestamp::parse(&format!("{date}T00:00:00Z")).is_some();
    if exists && date.len() == "2024-02-29".len() {
        return Ok(date);
    }
    let message = format!("{date:?} is no date; write it as YYYY-MM-DD, such as 2024-02-29.");
    Err(ApiError::bad_request("invalid_date", message))
}
