//! Uploads: streamed to the disk, never whole in memory.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::multipart::{Field, MultipartRejection};
use axum::extract::{Multipart, State};
use axum::http::StatusCode;
use ingest::{IngestError, Upload, Wish};
use utoipa::ToSchema;

use crate::error::{ApiError, ErrorBody};
use crate::routes::document_edit::{checked_tags, checked_title};
use crate::state::AppState;
use crate::view::document::DocumentView;

/// Longest text field beside the file, in bytes.
const FIELD_MAX_BYTES: usize = 16 * 1024;

/// How long a refused upload is still read: a browser that is cut off while it sends never sees the refusal.
const DRAIN_TIME: Duration = Duration::from_secs(15);

/// A file and what the person says of it.
#[derive(ToSchema)]
#[allow(
    dead_code,
    reason = "described, never made: the parts are read one by one"
)]
pub(crate) struct UploadForm {
    #[schema(value_type = String, format = Binary)]
    file: String,
    title: Option<String>,
    /// Separated by commas.
    tags: Option<String>,
}

/// Takes in a file.
#[utoipa::path(post, path = "/api/documents", tag = "documents",
    request_body(content = UploadForm, content_type = "multipart/form-data"), responses(
    (status = 201, body = DocumentView),
    (status = 400, body = ErrorBody, description = "`unsupported_codec` for .mov, .mkv, .avi; `empty_file`, `missing_file`, `invalid_name`, `invalid_title`, `invalid_tags`, `invalid_body`"),
    (status = 401, body = ErrorBody),
    (status = 409, body = ErrorBody, description = "`duplicate`, with `existing_id`"),
    (status = 413, body = ErrorBody, description = "`too_large`"),
    (status = 507, body = ErrorBody, description = "`disk_full`")
))]
pub(crate) async fn post(
    State(app): State<Arc<AppState>>,
    form: Result<Multipart, MultipartRejection>,
) -> Result<(StatusCode, axum::Json<DocumentView>), ApiError> {
    let mut form = form?;
    let (upload, wish) = match receive(&app, &mut form).await {
        Ok(received) => received,
        Err(refusal) => {
            drain(&mut form).await;
            return Err(refusal);
        }
    };
    let document = upload.finish(&wish).await?;
    let view = DocumentView::of(&mut app.read().await?, document, &app.graph).await?;
    Ok((StatusCode::CREATED, axum::Json(view)))
}

async fn receive(app: &AppState, form: &mut Multipart) -> Result<(Upload, Wish), ApiError> {
    let mut upload = None;
    let mut wish = Wish::default();
    while let Some(field) = form.next_field().await? {
        match field.name() {
            Some("file") if upload.is_some() => {
                let message = "Send one file per request.";
                return Err(ApiError::bad_request("invalid_body", message));
            }
            Some("file") => upload = Some(receive_file(app, field).await?),
            Some("title") => wish.title = title(text(field).await?)?,
            Some("tags") => wish.tags = tags(&text(field).await?)?,
            _ => {}
        }
    }
    let upload = upload.ok_or_else(missing_file)?;
    Ok((upload, wish))
}

async fn receive_file(app: &AppState, mut field: Field<'_>) -> Result<Upload, ApiError> {
    let name = field.file_name().unwrap_or_default().to_owned();
    let mut upload = app.ingest.begin_upload(&name).await?;
    while let Some(piece) = field.chunk().await? {
        upload.write(&piece).await?;
    }
    Ok(upload)
}

async fn text(mut field: Field<'_>) -> Result<String, ApiError> {
    let mut bytes = Vec::new();
    while let Some(piece) = field.chunk().await? {
        if bytes.len() + piece.len() > FIELD_MAX_BYTES {
            let message = format!("title and tags may have {FIELD_MAX_BYTES} bytes each.");
            return Err(ApiError::bad_request("invalid_body", message));
        }
        bytes.extend_from_slice(&piece);
    }
    String::from_utf8(bytes)
        .map_err(|_| ApiError::bad_request("invalid_body", "title and tags must be UTF-8 text."))
}

fn title(text: String) -> Result<Option<String>, ApiError> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    checked_title(&text).map(Some)
}

fn tags(text: &str) -> Result<Vec<String>, ApiError> {
    let tags = text.split(',').map(str::to_owned);
    checked_tags(tags.filter(|tag| !tag.trim().is_empty()).collect())
}

fn missing_file() -> ApiError {
    let message = "Send the file as the multipart field `file`.";
    ApiError::bad_request("missing_file", message)
}

/// Reads on, so that the sender comes to listen; for a while.
async fn drain(form: &mut Multipart) {
    let rest = async { while let Ok(Some(_)) = form.next_field().await {} };
    // Whoever still sends after that is cut off.
    let _ = tokio::time::timeout(DRAIN_TIME, rest).await;
}

impl From<IngestError> for ApiError {
    fn from(error: IngestError) -> Self {
        let message = sentence(&error.to_string());
        match error {
            IngestError::EmptyFile(_) => Self::bad_request("empty_file", message),
            IngestError::UnsupportedCodec(_) => Self::bad_request("unsupported_codec", message),
            IngestError::InvalidName(_) => Self::bad_request("invalid_name", message),
            IngestError::TooLarge { .. } => Self::too_large(message),
            IngestError::Duplicate { existing, .. } => {
                Self::conflict("duplicate", message).with_existing(existing)
            }
            IngestError::DiskFull(_) => {
                Self::new(StatusCode::INSUFFICIENT_STORAGE, "disk_full", message)
            }
            IngestError::NotFound(_) => Self::unavailable("library_unavailable", message),
            IngestError::Store(error) => error.into(),
            IngestError::InvalidGlob { .. } | IngestError::Io { .. } => Self::internal(&message),
        }
    }
}

/// An error's text as a sentence.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(char::to_uppercase).into_iter().flatten();
    let mut sentence: String = first.chain(letters).collect();
    if !sentence.ends_with('.') {
        sentence.push('.');
    }
    sentence
}
