//! Trying everything again that has failed.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::document_stage::unknown_stage;
use crate::error::{ApiError, ErrorBody};
use crate::extract::Query;
use crate::state::AppState;

/// Of which stage.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RetryQuery {
    /// Only this stage.
    stage: Option<String>,
}

/// How many rows are tried again.
#[derive(Serialize, ToSchema)]
pub(crate) struct Retried {
    retried: u64,
}

/// Tries every failed row again, of one stage or of all.
#[utoipa::path(post, path = "/api/queue/retry-failed", tag = "queue", params(RetryQuery), responses(
    (status = 200, body = Retried),
    (status = 401, body = ErrorBody),
    (status = 404, body = ErrorBody, description = "`unknown_stage`")
))]
pub(crate) async fn post(
    State(app): State<Arc<AppState>>,
    Query(query): Query<RetryQuery>,
) -> Result<Json<Retried>, ApiError> {
    let stage = query.stage.as_deref().filter(|stage| !stage.is_empty());
    if let Some(name) = stage.filter(|name| app.graph.stage(name).is_none()) {
        return Err(unknown_stage(&app, name));
    }
    let mut tx = app.write().await?;
    let retried = tx.retry_failed(stage, app.now()).await?;
    tx.commit().await?;
    Ok(Json(Retried { retried }))
}
