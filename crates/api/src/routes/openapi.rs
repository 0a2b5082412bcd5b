//! The description of every call.

use std::sync::Arc;

use axum::routing::get;
use axum::{Json, Router};

use crate::state::AppState;

/// Where the description is.
pub(crate) const PATH: &str = "/api/openapi.json";

/// The route that answers with the description.
pub(crate) fn route(document: Arc<utoipa::openapi::OpenApi>) -> Router<Arc<AppState>> {
    Router::new().route(PATH, get(move || async move { Json((*document).clone()) }))
}
