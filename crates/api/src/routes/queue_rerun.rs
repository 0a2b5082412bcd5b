//! Running a stage again for many documents.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use model::{Category, DocumentId, Priority};
use queue::Requeue;
use serde::Deserialize;
use store::RerunSelection;
use utoipa::ToSchema;

use super::document_stage::unknown_stage;
use super::queue_selection::{Count, empty_selection};
use crate::error::{ApiError, ErrorBody};
use crate::extract::Json as Body;
use crate::state::AppState;
use crate::view::schema;

/// Which documents pass which stage again; what is said must all hold.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rerun {
    stage: String,
    #[schema(value_type = Option<schema::CategoryWord>)]
    category: Option<Category>,
    tag: Option<String>,
    #[schema(value_type = Option<String>)]
    document_id: Option<DocumentId>,
    /// Only those that have passed the stage, but not in its present version.
    outdated: Option<bool>,
    /// Says that every document is meant, where nothing else is said.
    all: Option<bool>,
}

/// Runs a stage again for the selected documents that it is for, after everything else; for one document, first of all.
/// Documents for which a run is pending already are not counted.
#[utoipa::path(post, path = "/api/queue/rerun", tag = "queue", request_body = Rerun, responses(
    (status = 202, body = Count),
    (status = 400, body = ErrorBody, description = "`empty_selection`, `invalid_body`"),
    (status = 401, body = ErrorBody),
    (status = 404, body = ErrorBody, description = "`unknown_stage`, `document_not_found`")
))]
pub(crate) async fn post(
    State(app): State<Arc<AppState>>,
    Body(wish): Body<Rerun>,
) -> Result<(StatusCode, Json<Count>), ApiError> {
    let stage = app
        .graph
        .stage(&wish.stage)
        .ok_or_else(|| unknown_stage(&app, &wish.stage))?;
    let all = wish.all == Some(true);
    let selection = wish.selection();
    if selection == RerunSelection::default() && !all {
        return Err(empty_selection());
    }
    let mut priority = Priority::Backfill;
    if let Some(id) = &selection.document_id {
        app.document(id).await?;
        priority = Priority::Person;
    }
    let requeue = Requeue {
        store: app.store.clone(),
        clock: Arc::clone(&app.clock),
        random: Arc::clone(&app.random),
    };
    let count = requeue
        .rerun(&**stage, &selection, priority, |_, _| {})
        .await?;
    Ok((StatusCode::ACCEPTED, Json(Count { count })))
}

impl Rerun {
    fn selection(self) -> RerunSelection {
        RerunSelection {
            category: self.category,
            tag: self.tag,
            document_id: self.document_id,
            outdated: self.outdated == Some(true),
        }
    }
}
