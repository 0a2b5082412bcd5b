//! What is ready on this installation and what is missing.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use crate::error::ErrorBody;
use crate::state::{AppState, ServerStatus};

/// What is ready on this installation and what is missing.
#[utoipa::path(get, path = "/api/status", tag = "server", responses(
    (status = 200, body = ServerStatus), (status = 401, body = ErrorBody)
))]
pub(crate) async fn get(State(app): State<Arc<AppState>>) -> Json<ServerStatus> {
    Json(app.status.status().await)
}
