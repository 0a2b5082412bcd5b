//! Running a stage (again).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use model::Priority;
use model::{Document, DocumentId, QueueItemId, StageSpec};
use serde::Serialize;
use store::Enqueue;
use utoipa::ToSchema;

use crate::error::{ApiError, ErrorBody};
use crate::extract::Path;
use crate::state::AppState;

/// A run was asked for.
#[derive(Serialize, ToSchema)]
pub(crate) struct Enqueued {
    stage: String,
    /// `false` where a run was pending already; it goes first now.
    added: bool,
}

/// Runs a stage of a document, again if it has run before.
#[utoipa::path(post, path = "/api/documents/{id}/stages/{stage}", tag = "queue",
    params(("id" = String, Path), ("stage" = String, Path)), responses(
    (status = 202, body = Enqueued),
    (status = 401, body = ErrorBody),
    (status = 404, body = ErrorBody, description = "`document_not_found`, `unknown_stage`"),
    (status = 409, body = ErrorBody, description = "`stage_not_wanted`: this document does not pass it")
))]
pub(crate) async fn post(
    State(app): State<Arc<AppState>>,
    Path((id, stage)): Path<(DocumentId, String)>,
) -> Result<(StatusCode, Json<Enqueued>), ApiError> {
    let document = app.document(&id).await?;
    let enqueued = enqueue(&app, &document, &stage).await?;
    Ok((StatusCode::ACCEPTED, Json(enqueued)))
}

/// Asks for a run that a person waits for.
pub(super) async fn enqueue(
    app: &AppState,
    document: &Document,
    stage: &str,
) -> Result<Enqueued, ApiError> {
    let found = app
        .graph
        .stage(stage)
        .ok_or_else(|| unknown_stage(app, stage))?;
    if !found.wants(document) {
        let message = format!("The stage {stage} is not for this document.");
        return Err(ApiError::conflict("stage_not_wanted", message));
    }
    let work = work(app, document, found.spec());
    let mut tx = app.write().await?;
    let added = tx.enqueue(&work, app.now()).await?;
    tx.commit().await?;
    let stage = work.stage;
    Ok(Enqueued { stage, added })
}

fn work(app: &AppState, document: &Document, spec: &StageSpec) -> Enqueue {
    Enqueue {
        id: QueueItemId::new(&*app.clock, &*app.random),
        document_id: document.id.clone(),
        stage: spec.name.to_owned(),
        priority: Priority::Person,
        run_at: app.now(),
        max_attempts: spec.max_attempts,
        stage_version: spec.version,
    }
}

/// 404 with the names there are.
pub(super) fn unknown_stage(app: &AppState, stage: &str) -> ApiError {
    let names: Vec<_> = app.graph.specs().map(|spec| spec.name).collect();
    let message = format!("{stage:?} is no stage; it is one of {}.", names.join(", "));
    ApiError::not_found("unknown_stage", message)
}
