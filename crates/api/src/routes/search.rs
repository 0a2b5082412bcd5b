//! Search.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use search::{Hit, Hits, MAX_HITS, MAX_OFFSET, Mode, SearchError};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::document_list::categories;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{Query, limit};
use crate::state::AppState;
use crate::view::schema::CategoryWord;

const DEFAULT_LIMIT: i64 = 20;

/// What is looked for.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SearchQuery {
    /// Words, "exact phrases", -excluded words.
    q: Option<String>,
    /// `hybrid` (the default), `keyword` or `semantic`.
    mode: Option<String>,
    /// `document`, `note`, `audio`, `video` or `image`; several separated by commas.
    category: Option<String>,
    /// At most so many, 1 to 100; 20 if not said.
    limit: Option<i64>,
    /// How many of the best to leave out, up to 10000.
    offset: Option<i64>,
}

/// What was found, best first.
#[derive(Serialize, ToSchema)]
pub(crate) struct SearchAnswer {
    #[schema(value_type = Vec<HitFields>)]
    hits: Vec<Hit>,
    /// Documents found in all.
    total: usize,
}

/// A document that was found, with its best place.
#[derive(ToSchema)]
#[schema(as = Hit)]
#[allow(
    dead_code,
    reason = "described, never made: the index's own type is what is sent"
)]
struct HitFields {
    document_id: String,
    title: String,
    category: CategoryWord,
    /// HTML: escaped, with `<mark>` as its only element.
    snippet: String,
    score: f32,
    /// From 1; absent where there are no pages.
    #[schema(required = false)]
    page: Option<i64>,
    /// Second of the recording; absent where there is none.
    #[schema(required = false)]
    start_s: Option<f64>,
}

/// Finds documents, each with its best place.
#[utoipa::path(get, path = "/api/search", tag = "search", params(SearchQuery), responses(
    (status = 200, body = SearchAnswer),
    (status = 400, body = ErrorBody, description = "`missing_query`, `invalid_mode`, `invalid_category`, `invalid_limit`, `invalid_offset`"),
    (status = 401, body = ErrorBody),
    (status = 503, body = ErrorBody, description = "`no_embedding_model` for mode=semantic; `index_unavailable`")
))]
pub(crate) async fn get(
    State(app): State<Arc<AppState>>,
    Query(query): Query<SearchQuery>,
) -> Result<Json<SearchAnswer>, ApiError> {
    let Hits { hits, total } = run(&app, checked(query)?).await?;
    Ok(Json(SearchAnswer { hits, total }))
}

/// Asks the index anything.
pub(super) async fn probe(app: &AppState) -> Result<(), ApiError> {
    run(app, search::Query::default()).await.map(drop)
}

/// The index blocks, so off the async threads.
async fn run(app: &AppState, query: search::Query) -> Result<Hits, ApiError> {
    let index = Arc::clone(&app.search);
    let found = tokio::task::spawn_blocking(move || index.search(&query)).await;
    Ok(found.map_err(|error| ApiError::internal(&error))??)
}

fn checked(query: SearchQuery) -> Result<search::Query, ApiError> {
    let text = query.q.filter(|text| !text.trim().is_empty());
    let text =
        text.ok_or_else(|| ApiError::bad_request("missing_query", "Say what to look for: ?q=…"))?;
    Ok(search::Query {
        text,
        mode: mode(query.mode.as_deref())?,
        categories: categories(query.category.as_deref())?,
        limit: count(limit(
            query.limit,
            DEFAULT_LIMIT,
            i64::try_from(MAX_HITS).unwrap_or(i64::MAX),
        )?),
        offset: offset(query.offset.unwrap_or(0))?,
    })
}

fn mode(name: Option<&str>) -> Result<Mode, ApiError> {
    match name {
        None | Some("" | "hybrid") => Ok(Mode::Hybrid),
        Some("keyword") => Ok(Mode::Keyword),
        Some("semantic") => Ok(Mode::Semantic),
        Some(other) => Err(ApiError::bad_request(
            "invalid_mode",
            format!("{other:?} is no mode; it is one of hybrid, keyword, semantic."),
        )),
    }
}

fn offset(asked: i64) -> Result<usize, ApiError> {
    usize::try_from(asked)
        .ok()
        .filter(|offset| *offset <= MAX_OFFSET)
        .ok_or_else(|| {
            let message = format!("offset is {asked}; it must be between 0 and {MAX_OFFSET}. Refine the search instead.");
            ApiError::bad_request("invalid_offset", message)
        })
}

/// A number that is known to be between 1 and [`MAX_HITS`].
fn count(limit: i64) -> usize {
    usize::try_from(limit).unwrap_or(MAX_HITS)
}

impl From<SearchError> for ApiError {
    fn from(error: SearchError) -> Self {
        match error {
            SearchError::NoEmbeddingModel => Self::unavailable(
                "no_embedding_model",
                "Search by meaning needs an embedding model, and there is none yet; use mode=keyword.",
            ),
            SearchError::Store(error) => error.into(),
            other => {
                tracing::error!(error = %other, "the search index did not answer");
                Self::unavailable(
                    "index_unavailable",
                    "The search index does not answer; `seogo reindex` builds it anew.",
                )
            }
        }
    }
}
