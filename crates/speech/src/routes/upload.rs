//! The multipart body of `POST /v1/audio/transcriptions`: the file goes to the disk as it comes, never into memory.

use std::path::Path;

use axum::extract::Multipart;
use axum::extract::multipart::{Field, MultipartError};
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt;

use crate::error::SpeechError;

/// The longest text field, in bytes.
const MAX_FIELD_BYTES: usize = 16 << 10;

/// What was uploaded; the file goes away with this.
#[derive(Debug, Default)]
pub struct Upload {
    pub file: Option<NamedTempFile>,
    pub language: Option<String>,
    pub prompt: Option<String>,
    pub response_format: Option<String>,
    pub granularities: Vec<String>,
}

impl Upload {
    /// Reads the whole body. The file may have `limit` bytes and goes below `dir` (or the system's folder).
    pub async fn read(
        mut body: Multipart,
        dir: Option<&Path>,
        limit: u64,
    ) -> Result<Self, SpeechError> {
        let mut upload = Self::default();
        while let Some(field) = body.next_field().await.map_err(bad_body)? {
            match field.name().unwrap_or_default() {
                "file" => upload.file = Some(save(field, dir, limit).await?),
                "language" => upload.language = Some(text(field).await?),
                "prompt" => upload.prompt = Some(text(field).await?),
                "response_format" => upload.response_format = Some(text(field).await?),
                "timestamp_granularities[]" | "timestamp_granularities" => {
                    upload.granularities.push(text(field).await?);
                }
                // `model`, `temperature`, …: the service has one model and its own way.
                _ => drop(text(field).await?),
            }
        }
        Ok(upload)
    }
}

fn bad_body(error: MultipartError) -> SpeechError {
    SpeechError::BadRequest(format!(
        "The multipart body cannot be read: {}.",
        error.body_text()
    ))
}

async fn text(mut field: Field<'_>) -> Result<String, SpeechError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(bad_body)? {
        bytes.extend(chunk);
        if bytes.len() > MAX_FIELD_BYTES {
            return Err(SpeechError::BadRequest(format!(
                "A text field may have {MAX_FIELD_BYTES} bytes."
            )));
        }
    }
    String::from_utf8(bytes)
        .map_err(|_| SpeechError::BadRequest("Text fields must be UTF-8.".to_owned()))
}

async fn save(
    mut field: Field<'_>,
    dir: Option<&Path>,
    limit: u64,
) -> Result<NamedTempFile, SpeechError> {
    let dir = dir.map(Path::to_owned);
    let file = tokio::task::spawn_blocking(move || temporary(dir.as_deref()))
        .await
        .map_err(|error| SpeechError::Io(error.to_string()))??;
    let mut writer = tokio::fs::File::from_std(file.reopen()?);
    let mut length = 0;
    while let Some(chunk) = field.chunk().await.map_err(bad_body)? {
        length += chunk.len() as u64;
        if length > limit {
            return Err(SpeechError::TooLarge { limit });
        }
        writer.write_all(&chunk).await?;
    }
    writer.flush().await?;
    Ok(file)
}

fn temporary(dir: Option<&Path>) -> std::io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("seogo-speech-").suffix(".upload");
    match dir {
        Some(dir) => {
            std::fs::create_dir_all(dir)?;
            builder.tempfile_in(dir)
        }
        None => builder.tempfile(),
    }
}
