//! Every tag in use.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::{ApiError, ErrorBody};
use crate::state::AppState;

/// A tag and how many documents out of the trash have it.
#[derive(Serialize, ToSchema)]
pub(crate) struct TagCount {
    tag: String,
    count: i64,
}

/// Every tag in use, A to Z.
#[utoipa::path(get, path = "/api/tags", tag = "documents", responses(
    (status = 200, body = [TagCount]), (status = 401, body = ErrorBody)
))]
pub(crate) async fn list(
    State(app): State<Arc<AppState>>,
) -> Result<Json<Vec<TagCount>>, ApiError> {
    let counts = app.read().await?.tag_counts().await?;
    let view = |(tag, count)| TagCount { tag, count };
    Ok(Json(counts.into_iter().map(view).collect()))
}
