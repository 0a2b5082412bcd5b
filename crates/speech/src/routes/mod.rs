//! The HTTP side, one file per route.

mod health;
mod openai;
mod transcribe;
mod upload;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use crate::state::SpeechState;

/// The largest body of a request that is no upload.
const MAX_JSON_BYTES: usize = 64 << 10;

/// All routes of the service.
pub fn router(state: SpeechState) -> Router {
    let uploads = Router::new()
        .route("/v1/audio/transcriptions", post(openai::transcriptions))
        // The upload counts its own bytes, on the way to the disk.
        .layer(DefaultBodyLimit::disable());
    Router::new()
        .route("/health", get(health::health))
        .route("/ready", get(health::ready))
        .route("/transcribe", post(transcribe::transcribe))
        .layer(DefaultBodyLimit::max(MAX_JSON_BYTES))
        .merge(uploads)
        .fallback(|| async {
            plain_error(
                StatusCode::NOT_FOUND,
                "not_found",
                "There is nothing at this address.",
            )
        })
        .method_not_allowed_fallback(|| async {
            plain_error(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "This address takes another method.",
            )
        })
        .with_state(state)
}

fn plain_error(status: StatusCode, code: &str, message: &str) -> Response {
    let body = serde_json::json!({"error_code": code, "message": message});
    (status, axum::Json(body)).into_response()
}
