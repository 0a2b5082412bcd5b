//! `GET /health` and `GET /ready`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};

use crate::state::SpeechState;

/// The process answers.
pub async fn health() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

#[derive(Serialize)]
pub struct Ready {
    ready: bool,
    cuda: bool,
    device_count: usize,
    model_loaded: bool,
    model: Option<String>,
    /// What is missing; absent when ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

/// Whether a transcription would begin: 200, else 503.
pub async fn ready(State(state): State<SpeechState>) -> (StatusCode, Json<Ready>) {
    let outcome = state.model.peek().await;
    let status = match outcome {
        Ok(_) => StatusCode::OK,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    let body = Ready {
        ready: outcome.is_ok(),
        cuda: state.devices.cuda,
        device_count: state.devices.count,
        model_loaded: outcome.is_ok(),
        model: outcome.as_ref().ok().map(|engine| engine.name().to_owned()),
        message: outcome.err(),
    };
    (status, Json(body))
}
