//! Rows of the queue.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use model::{DocumentId, QueueItem, QueueItemId, Status};
use serde::{Deserialize, Serialize};
use store::{QueueFilter, StoreError, Tx};
use utoipa::{IntoParams, ToSchema};

use super::document_stage::unknown_stage;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{Query, limit};
use crate::state::AppState;
use crate::view::queue::QueueItemView;

const DEFAULT_LIMIT: i64 = 50;
const MAX_LIMIT: i64 = 200;

/// Asked for like a status: pending rows that wait for something absent.
const WAITING: &str = "waiting";

/// Which rows.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct QueueQuery {
    /// `pending`, `processing`, `completed`, `failed` or `cancelled`; or `waiting` for those of the pending rows that wait
    /// for something absent.
    status: Option<String>,
    stage: Option<String>,
    document_id: Option<String>,
    /// At most so many, 1 to 200; 50 if not said.
    limit: Option<i64>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A page of the queue.
#[derive(Serialize, ToSchema)]
pub(crate) struct QueuePage {
    items: Vec<QueueItemView>,
    /// Where the next page begins; null at the end.
    next_cursor: Option<String>,
}

/// Rows of the queue, newest first.
#[utoipa::path(get, path = "/api/queue", tag = "queue", params(QueueQuery), responses(
    (status = 200, body = QueuePage),
    (status = 400, body = ErrorBody, description = "`invalid_status`, `invalid_limit`"),
    (status = 401, body = ErrorBody),
    (status = 404, body = ErrorBody, description = "`unknown_stage`")
))]
pub(crate) async fn get(
    State(app): State<Arc<AppState>>,
    Query(query): Query<QueueQuery>,
) -> Result<Json<QueuePage>, ApiError> {
    let mut filter = filter(&app, query)?;
    let wanted = usize::try_from(filter.limit).unwrap_or(usize::MAX);
    filter.limit += 1;
    let mut tx = app.read().await?;
    let mut items = tx.queue_items(&filter).await?;
    let more = items.len() > wanted;
    items.truncate(wanted);
    let last = items.last().map(|item| item.id.to_string());
    Ok(Json(QueuePage {
        items: with_titles(&mut tx, items).await?,
        next_cursor: last.filter(|_| more),
    }))
}

fn filter(app: &AppState, query: QueueQuery) -> Result<QueueFilter, ApiError> {
    let present = |text: Option<String>| text.filter(|text| !text.is_empty());
    let stage = present(query.stage);
    if let Some(name) = stage
        .as_deref()
        .filter(|name| app.graph.stage(name).is_none())
    {
        return Err(unknown_stage(app, name));
    }
    let (status, waiting) = status(query.status.as_deref())?;
    Ok(QueueFilter {
        status,
        waiting,
        stage,
        document_id: present(query.document_id).map(DocumentId),
        after: present(query.cursor).map(QueueItemId),
        limit: limit(query.limit, DEFAULT_LIMIT, MAX_LIMIT)?,
    })
}

/// The status to list, and whether only rows that wait for something absent are.
fn status(name: Option<&str>) -> Result<(Option<Status>, bool), ApiError> {
    match name {
        None | Some("") => Ok((None, false)),
        Some(WAITING) => Ok((None, true)),
        Some(name) => match name.parse::<Status>() {
            Ok(status) => Ok((Some(status), false)),
            Err(unknown) => Err(ApiError::bad_request(
                "invalid_status",
                format!("{unknown}, {WAITING}."),
            )),
        },
    }
}

async fn with_titles(tx: &mut Tx, items: Vec<QueueItem>) -> Result<Vec<QueueItemView>, StoreError> {
    let ids: BTreeSet<_> = items.iter().map(|item| item.document_id.clone()).collect();
    let ids: Vec<_> = ids.into_iter().collect();
    let titles = tx.document_titles(&ids).await?;
    let views = items.into_iter().map(|item| QueueItemView {
        document_title: titles.get(&item.document_id).cloned().unwrap_or_default(),
        item,
    });
    Ok(views.collect())
}
