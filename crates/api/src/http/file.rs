//! A file as an answer: streamed from the disk, in whole or in part, never held in memory.

use std::path::PathBuf;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::fs::File;
use tokio::io::AsyncReadExt;

use super::blocks::blocks;
use super::disposition::{self, Disposition};
use super::media_type;
use super::range::{self, Asked};
use crate::error::ApiError;

/// How much of a text is looked at to tell whether it is UTF-8.
const CHARSET_BYTES: usize = 64 * 1024;

/// What may be kept of a file that was sent: only for this person, and asked for again by its ETag.
const CACHE: HeaderValue = HeaderValue::from_static("private, no-cache");

/// A file and how it is sent.
#[derive(Debug)]
pub(crate) struct ServedFile {
    /// Where it lies.
    pub path: PathBuf,
    /// Media type.
    pub mime: String,
    /// Names this very content; without quotes.
    pub tag: String,
    /// Bytes of the content that the tag names, where known: a file of another size was changed since, and not read again yet.
    pub size: Option<u64>,
    /// The name it is saved under.
    pub name: String,
    /// Saved even where it could be shown.
    pub download: bool,
}

/// The answer to a GET or HEAD for the file.
///
/// # Errors
/// What `missing` says where there is no such file; 500 where it cannot be read.
pub(crate) async fn serve(
    method: &Method,
    asked: &HeaderMap,
    mut file: ServedFile,
    missing: impl FnOnce() -> ApiError,
) -> Result<Response, ApiError> {
    let Some((mut handle, size)) = open(&file).await? else {
        return Err(missing());
    };
    if file.size.is_some_and(|known| known != size) {
        file.tag = format!("{}-{size}", file.tag);
    }
    let mut headers = common_headers(&file);
    let content_type = content_type(&file.mime, &mut handle).await;
    headers.insert(header::CONTENT_TYPE, content_type);
    if matches_any(asked.get(header::IF_NONE_MATCH), &headers[header::ETAG]) {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    match range_asked(method, asked, &headers[header::ETAG], size) {
        Asked::Unsatisfiable => Ok(unsatisfiable(size)),
        Asked::Whole => Ok(stream(
            handle.into_std().await,
            StatusCode::OK,
            headers,
            0,
            size,
        )),
        Asked::Part { first, last } => {
            let place = format!("bytes {first}-{last}/{size}");
            headers.insert(header::CONTENT_RANGE, value(place));
            let length = last - first + 1;
            let handle = handle.into_std().await;
            Ok(stream(
                handle,
                StatusCode::PARTIAL_CONTENT,
                headers,
                first,
                length,
            ))
        }
    }
}

async fn open(file: &ServedFile) -> Result<Option<(File, u64)>, ApiError> {
    let handle = match File::open(&file.path).await {
        Ok(handle) => handle,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(ApiError::internal(&error)),
    };
    let metadata = handle.metadata().await;
    let metadata = metadata.map_err(|error| ApiError::internal(&error))?;
    Ok(metadata.is_file().then_some((handle, metadata.len())))
}

fn common_headers(file: &ServedFile) -> HeaderMap {
    let shown = media_type::is_shown(&file.mime) && !file.download;
    let disposition = if shown {
        Disposition::Inline
    } else {
        Disposition::Attachment
    };
    let policy = if media_type::is_sandboxed(&file.mime) {
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; media-src 'self'; frame-ancestors 'self'"
    } else {
        "frame-ancestors 'self'"
    };
    let mut headers = HeaderMap::new();
    headers.insert(header::ETAG, value(format!("\"{}\"", file.tag)));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CACHE_CONTROL, CACHE);
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(policy),
    );
    headers.insert(
        header::CONTENT_DISPOSITION,
        disposition::header(disposition, &file.name),
    );
    headers
}

/// The media type, with the charset of a text where it is UTF-8. Older encodings are left to the browser to guess.
async fn content_type(mime: &str, handle: &mut File) -> HeaderValue {
    let utf8 = media_type::is_text(mime) && !mime.contains(';') && starts_as_utf8(handle).await;
    if utf8 {
        value(format!("{mime}; charset=utf-8"))
    } else {
        value(mime.to_owned())
    }
}

async fn starts_as_utf8(handle: &mut File) -> bool {
    let mut start = Vec::new();
    let mut head = handle.take(CHARSET_BYTES as u64);
    if head.read_to_end(&mut start).await.is_err() {
        return false;
    }
    match std::str::from_utf8(&start) {
        Ok(_) => true,
        // The last character may be cut.
        Err(error) => error.error_len().is_none(),
    }
}

fn range_asked(method: &Method, asked: &HeaderMap, tag: &HeaderValue, size: u64) -> Asked {
    let text = |name| asked.get(name).and_then(|value| value.to_str().ok());
    let Some(range) = text(header::RANGE) else {
        return Asked::Whole;
    };
    // A range is defined for GET alone. With If-Range it counts only while the content is the one asked for; a date never
    // is, because two versions may have the same.
    let same = asked.get(header::IF_RANGE).is_none_or(|known| known == tag);
    if method != Method::GET || !same {
        return Asked::Whole;
    }
    range::parse(range, size)
}

/// Whether `If-None-Match` names the tag (weak comparison) or any.
fn matches_any(asked: Option<&HeaderValue>, tag: &HeaderValue) -> bool {
    let (Some(asked), Ok(tag)) = (asked.and_then(|value| value.to_str().ok()), tag.to_str()) else {
        return false;
    };
    asked
        .split(',')
        .map(str::trim)
        .any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}

fn unsatisfiable(size: u64) -> Response {
    let refusal = ApiError::new(
        StatusCode::RANGE_NOT_SATISFIABLE,
        "range_not_satisfiable",
        format!("The file has {size} bytes; the range asked for lies beyond them."),
    );
    let mut response = refusal.into_response();
    let place = value(format!("bytes */{size}"));
    response.headers_mut().insert(header::CONTENT_RANGE, place);
    response
}

fn stream(
    handle: std::fs::File,
    status: StatusCode,
    mut headers: HeaderMap,
    first: u64,
    length: u64,
) -> Response {
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    let body = Body::from_stream(blocks(handle, first, length));
    (status, headers, body).into_response()
}

/// A header value; nothing where the text cannot be one, which no caller's text is.
fn value(text: String) -> HeaderValue {
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}
