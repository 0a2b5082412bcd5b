//! What can go wrong, with the code and the HTTP status that tell it.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;

/// An error of the service; its text is for people and says what to do next.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SpeechError {
    /// The request cannot be understood.
    #[error("{0}")]
    BadRequest(String),
    /// The path leads outside the folders that the service may read.
    #[error(
        "The file lies outside the folders that the speech service may read. Start it with the library folder as its root."
    )]
    OutsideRoots,
    /// There is no such file.
    #[error(
        "There is no file {0:?} below the folders of the speech service. Check that it sees the same library folder."
    )]
    NotFound(String),
    /// The upload is larger than the service takes.
    #[error(
        "The file is larger than the {limit} bytes that one upload may have. Put it into the library and name its path instead."
    )]
    TooLarge {
        /// Bytes.
        limit: u64,
    },
    /// The file holds no sound that can be decoded.
    #[error("{0}")]
    NoAudio(String),
    /// No model is loaded.
    #[error("{0}")]
    ModelNotLoaded(String),
    /// A program that decoding needs is absent.
    #[error("{0}")]
    ToolMissing(String),
    /// The service stops, or the caller went away.
    #[error("The transcription was cancelled before it was done. Ask for it again.")]
    Cancelled,
    /// whisper.cpp gave up.
    #[error("The speech engine failed: {0}")]
    Engine(String),
    /// A temporary file or the like failed.
    #[error("The speech service could not work with its files: {0}")]
    Io(String),
}

impl SpeechError {
    /// The `error_code` of the answer.
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadRequest(_) => "bad_request",
            Self::OutsideRoots => "outside_roots",
            Self::NotFound(_) => "not_found",
            Self::TooLarge { .. } => "too_large",
            Self::NoAudio(_) => "no_audio",
            Self::ModelNotLoaded(_) => "model_not_loaded",
            Self::ToolMissing(_) => "tool_missing",
            Self::Cancelled => "cancelled",
            Self::Engine(_) => "engine_failed",
            Self::Io(_) => "internal",
        }
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::OutsideRoots => StatusCode::FORBIDDEN,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NoAudio(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::ModelNotLoaded(_) | Self::ToolMissing(_) | Self::Cancelled => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Engine(_) | Self::Io(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<std::io::Error> for SpeechError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error.to_string())
    }
}

impl IntoResponse for SpeechError {
    fn into_response(self) -> Response {
        if self.status().is_server_error() && !matches!(self, Self::Cancelled) {
            tracing::warn!(code = self.code(), "{self}");
        }
        let body = json!({"error_code": self.code(), "message": self.to_string()});
        (self.status(), Json(body)).into_response()
    }
}
