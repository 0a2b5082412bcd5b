//! The list of documents.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use model::{Category, DocumentId};
use serde::{Deserialize, Serialize};
use store::{DocumentFilter, DocumentSort, Tx};
use utoipa::{IntoParams, ToSchema};

use crate::error::{ApiError, ErrorBody};
use crate::extract::{Query, limit, parsed};
use crate::state::AppState;
use crate::view::document::DocumentView;

const DEFAULT_LIMIT: i64 = 50;
const MAX_LIMIT: i64 = 200;

/// What the list shows.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// `document`, `note`, `audio`, `video` or `image`; several separated by commas.
    category: Option<String>,
    /// Part of the title or the path.
    q: Option<String>,
    /// With this tag.
    tag: Option<String>,
    /// `failed`: only documents with a failed stage.
    state: Option<String>,
    /// The trash instead of the rest.
    trashed: Option<bool>,
    /// `added` (newest first, the default), `title` or `date`.
    sort: Option<String>,
    /// At most so many, 1 to 200; 50 if not said.
    limit: Option<i64>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A page of the list.
#[derive(Serialize, ToSchema)]
pub(crate) struct DocumentPage {
    items: Vec<DocumentView>,
    /// Where the next page begins; null at the end.
    next_cursor: Option<String>,
}

/// The list of documents, newest first.
#[utoipa::path(get, path = "/api/documents", tag = "documents", params(ListQuery), responses(
    (status = 200, body = DocumentPage),
    (status = 400, body = ErrorBody, description = "`invalid_category`, `invalid_limit`, `invalid_sort`, `invalid_state`, `invalid_cursor`"),
    (status = 401, body = ErrorBody)
))]
pub(crate) async fn get(
    State(app): State<Arc<AppState>>,
    Query(query): Query<ListQuery>,
) -> Result<Json<DocumentPage>, ApiError> {
    let mut filter = filter(query)?;
    let mut tx = app.read().await?;
    check_cursor(&mut tx, filter.after.as_ref()).await?;
    let wanted = usize::try_from(filter.limit).unwrap_or(usize::MAX);
    // One more than wanted tells whether there is a next page.
    filter.limit += 1;
    let mut documents = tx.documents(&filter).await?;
    let more = documents.len() > wanted;
    documents.truncate(wanted);
    let last = documents.last().map(|document| document.id.to_string());
    Ok(Json(DocumentPage {
        items: DocumentView::of_all(&mut tx, documents, &app.graph).await?,
        next_cursor: last.filter(|_| more),
    }))
}

fn filter(query: ListQuery) -> Result<DocumentFilter, ApiError> {
    let present = |text: Option<String>| text.filter(|text| !text.is_empty());
    Ok(DocumentFilter {
        categories: categories(query.category.as_deref())?,
        text: present(query.q),
        tag: present(query.tag),
        trashed: query.trashed.unwrap_or(false),
        failed: failed(query.state.as_deref())?,
        sort: sort(query.sort.as_deref())?,
        after: present(query.cursor).map(DocumentId),
        limit: limit(query.limit, DEFAULT_LIMIT, MAX_LIMIT)?,
    })
}

pub(super) fn categories(text: Option<&str>) -> Result<Vec<Category>, ApiError> {
    text.unwrap_or_default()
        .split(',')
        .filter_map(|name| parsed(Some(name), "invalid_category").transpose())
        .collect()
}

fn failed(state: Option<&str>) -> Result<bool, ApiError> {
    match state {
        None | Some("") => Ok(false),
        Some("failed") => Ok(true),
        Some(other) => Err(ApiError::bad_request(
            "invalid_state",
            format!("{other:?} is no state to filter by; it can be failed."),
        )),
    }
}

fn sort(name: Option<&str>) -> Result<DocumentSort, ApiError> {
    match name {
        None | Some("" | "added") => Ok(DocumentSort::Added),
        Some("title") => Ok(DocumentSort::Title),
        Some("date") => Ok(DocumentSort::Date),
        Some(other) => Err(ApiError::bad_request(
            "invalid_sort",
            format!("{other:?} is no order; it is one of added, title, date."),
        )),
    }
}

async fn check_cursor(tx: &mut Tx, after: Option<&DocumentId>) -> Result<(), ApiError> {
    let Some(after) = after else { return Ok(()) };
    if tx.document(after).await?.is_some() {
        return Ok(());
    }
    Err(ApiError::bad_request(
        "invalid_cursor",
        "This cursor leads nowhere; begin the list anew.",
    ))
}
