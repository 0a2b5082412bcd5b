//! What the stages say of themselves.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use model::{Lane, StageSpec};
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::ErrorBody;
use crate::state::AppState;
use crate::view::schema;

/// What a stage says of itself.
#[derive(Serialize, ToSchema)]
pub(crate) struct Stage {
    name: &'static str,
    /// The stages it follows; empty where ingest or a person starts it.
    after: &'static [&'static str],
    /// Whether a new document begins with it.
    at_ingest: bool,
    version: i64,
    #[schema(value_type = schema::LaneWord)]
    lane: Lane,
    /// How many at once.
    concurrency: usize,
    /// How often it is tried.
    max_attempts: i64,
}

impl Stage {
    fn new(app: &AppState, spec: &StageSpec) -> Self {
        Self {
            name: spec.name,
            after: spec.after,
            at_ingest: spec.at_ingest,
            version: spec.version,
            lane: spec.lane,
            concurrency: app.concurrency(spec),
            max_attempts: spec.max_attempts,
        }
    }
}

/// The stages, in the order of the graph.
#[utoipa::path(get, path = "/api/stages", tag = "queue", responses(
    (status = 200, body = [Stage]), (status = 401, body = ErrorBody)
))]
pub(crate) async fn list(State(app): State<Arc<AppState>>) -> Json<Vec<Stage>> {
    Json(
        app.graph
            .specs()
            .map(|spec| Stage::new(&app, spec))
            .collect(),
    )
}
