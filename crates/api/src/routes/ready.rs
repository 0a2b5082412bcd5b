//! Whether the store and the index answer.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::{ApiError, ErrorBody};
use crate::state::AppState;

/// The server can do its work.
#[derive(Serialize, ToSchema)]
pub(crate) struct Ready {
    /// Always `true`.
    ready: bool,
}

/// Whether the store and the search index answer.
#[utoipa::path(get, path = "/ready", tag = "server", responses(
    (status = 200, body = Ready),
    (status = 503, body = ErrorBody, description = "`store_unavailable` or `index_unavailable`")
))]
pub(crate) async fn get(State(app): State<Arc<AppState>>) -> Result<Json<Ready>, ApiError> {
    app.read().await?.latest_change().await?;
    super::search::probe(&app).await?;
    Ok(Json(Ready { ready: true }))
}
