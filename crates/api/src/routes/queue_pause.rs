//! Holding a stage, and letting it go on.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::document_stage::unknown_stage;
use crate::error::{ApiError, ErrorBody};
use crate::extract::Path;
use crate::state::AppState;

/// Whether a stage is held.
#[derive(Serialize, ToSchema)]
pub(crate) struct StageState {
    stage: String,
    paused: bool,
}

/// Holds a stage: what runs goes on, nothing new of it begins.
#[utoipa::path(post, path = "/api/queue/stages/{stage}/pause", tag = "queue", params(("stage" = String, Path)), responses(
    (status = 200, body = StageState),
    (status = 401, body = ErrorBody),
    (status = 404, body = ErrorBody, description = "`unknown_stage`")
))]
pub(crate) async fn pause(
    State(app): State<Arc<AppState>>,
    Path(stage): Path<String>,
) -> Result<Json<StageState>, ApiError> {
    set(&app, stage, true).await
}

/// Lets a stage go on.
#[utoipa::path(post, path = "/api/queue/stages/{stage}/resume", tag = "queue", params(("stage" = String, Path)), responses(
    (status = 200, body = StageState),
    (status = 401, body = ErrorBody),
    (status = 404, body = ErrorBody, description = "`unknown_stage`")
))]
pub(crate) async fn resume(
    State(app): State<Arc<AppState>>,
    Path(stage): Path<String>,
) -> Result<Json<StageState>, ApiError> {
    set(&app, stage, false).await
}

async fn set(app: &AppState, stage: String, paused: bool) -> Result<Json<StageState>, ApiError> {
    if app.graph.stage(&stage).is_none() {
        return Err(unknown_stage(app, &stage));
    }
    let mut tx = app.write().await?;
    if paused {
        tx.pause_stage(&stage, app.now()).await?;
    } else {
        tx.resume_stage(&stage).await?;
    }
    tx.commit().await?;
    Ok(Json(StageState { stage, paused }))
}
