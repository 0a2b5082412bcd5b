//! The one shape every refusal has: `{"error_code", "message"}` with the right status.

use axum::Json;
use axum::extract::multipart::{MultipartError, MultipartRejection};
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::DocumentId;
use serde::Serialize;
use store::StoreError;
use utoipa::ToSchema;

/// A refusal.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    existing_id: Option<DocumentId>,
    retry_after_s: Option<u64>,
}

/// A refusal in JSON.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorBody {
    /// For programs, `snake_case`.
    error_code: String,
    /// For people: what is wrong and what to do.
    message: String,
    /// With `duplicate`: the document that has this content already.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    existing_id: Option<DocumentId>,
}

impl ApiError {
    /// A refusal with that status, code and message.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            existing_id: None,
            retry_after_s: None,
        }
    }

    pub(crate) fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub(crate) fn not_found(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    pub(crate) fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, message)
    }

    pub(crate) fn forbidden(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, message)
    }

    pub(crate) fn unavailable(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, message)
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "Sign in first, or send an API token as `Authorization: Bearer seogo_…`.",
        )
    }

    pub(crate) fn document_not_found() -> Self {
        Self::not_found("document_not_found", "There is no document with this id.")
    }

    pub(crate) fn too_large(message: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
    }

    /// The cause goes to the log, not to the caller.
    pub(crate) fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(%cause, "a request failed");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Something went wrong inside Seogo; the server's log says what.",
        )
    }

    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn with_existing(mut self, id: DocumentId) -> Self {
        self.existing_id = Some(id);
        self
    }

    pub(crate) fn with_retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = ErrorBody {
            error_code: self.code.to_owned(),
            message: self.message,
            existing_id: self.existing_id,
        };
        let mut response = (self.status, Json(body)).into_response();
        if let Some(seconds) = self.retry_after_s {
            let value = HeaderValue::from(seconds);
            response.headers_mut().insert(header::RETRY_AFTER, value);
        }
        response
    }
}

/// After so many seconds a caller may try again what the database did not take.
const RETRY_AFTER_S: u64 = 5;

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let Some(trouble) = error.trouble() else {
            return of_healthy_store(&error);
        };
        tracing::warn!(%error, "the database is in trouble");
        let refusal = if error.is_disk_full() {
            Self::new(
                StatusCode::INSUFFICIENT_STORAGE,
                "disk_full",
                trouble.to_string(),
            )
        } else {
            Self::unavailable("database_unavailable", trouble.to_string())
        };
        refusal.with_retry_after(RETRY_AFTER_S)
    }
}

/// The database does its work; this request was at fault, or met another.
fn of_healthy_store(error: &StoreError) -> ApiError {
    if error.is_conflict() {
        tracing::warn!(%error, "two changes met");
        return ApiError::unavailable(
            "database_unavailable",
            "Somebody changed the same at the same moment; try again.",
        )
        .with_retry_after(RETRY_AFTER_S);
    }
    ApiError::internal(error)
}

impl From<JsonRejection> for ApiError {
    fn from(rejection: JsonRejection) -> Self {
        match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => {
                Self::too_large("The request is larger than this server accepts.")
            }
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "Send the body as JSON with `Content-Type: application/json`.",
            ),
            _ => Self::bad_request("invalid_body", rejection.body_text()),
        }
    }
}

impl From<QueryRejection> for ApiError {
    fn from(rejection: QueryRejection) -> Self {
        Self::bad_request("invalid_query", rejection.body_text())
    }
}

impl From<PathRejection> for ApiError {
    fn from(rejection: PathRejection) -> Self {
        Self::bad_request("invalid_path", rejection.body_text())
    }
}

impl From<MultipartRejection> for ApiError {
    fn from(rejection: MultipartRejection) -> Self {
        Self::bad_request("invalid_body", rejection.body_text())
    }
}

impl From<MultipartError> for ApiError {
    fn from(error: MultipartError) -> Self {
        if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
            return Self::too_large("The request is larger than this server accepts.");
        }
        Self::bad_request("invalid_body", error.body_text())
    }
}
