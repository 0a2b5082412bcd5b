//! Whether the store and the index answer, within two seconds whatever is wrong.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::state::AppState;

/// How long the database may take to answer; as long again goes into finding out why it did not.
const PATIENCE: Duration = Duration::from_millis(800);
/// How long the index may take.
const INDEX_PATIENCE: Duration = Duration::from_millis(1500);

/// The server can do its work.
#[derive(Serialize, ToSchema)]
pub(crate) struct Ready {
    /// Always `true`.
    ready: bool,
}

/// The server is up and cannot do its work at this moment. It goes on by itself when the cause is gone.
#[derive(Serialize, ToSchema)]
pub(crate) struct NotReady {
    /// Always `false`.
    ready: bool,
    /// `database_unavailable`, `disk_full` or `index_unavailable`.
    error_code: &'static str,
    /// For people.
    message: String,
    /// The cause in plain words, and what to do.
    why: String,
}

impl NotReady {
    fn because(cause: &ApiError) -> Self {
        Self {
            ready: false,
            error_code: cause.code(),
            message: format!("Seogo is not ready. {}", cause.message()),
            why: cause.message().to_owned(),
        }
    }
}

impl IntoResponse for NotReady {
    fn into_response(self) -> Response {
        (StatusCode::SERVICE_UNAVAILABLE, Json(self)).into_response()
    }
}

/// Whether the store and the search index answer.
#[utoipa::path(get, path = "/ready", tag = "server", responses(
    (status = 200, body = Ready),
    (status = 503, body = NotReady, description = "`database_unavailable`, `disk_full` or `index_unavailable`")
))]
pub(crate) async fn get(State(app): State<Arc<AppState>>) -> Result<Json<Ready>, NotReady> {
    let (store, index) = tokio::join!(
        app.store.probe(PATIENCE),
        timeout(INDEX_PATIENCE, super::search::probe(&app))
    );
    store.map_err(|error| NotReady::because(&error.into()))?;
    match index {
        Ok(Ok(())) => Ok(Json(Ready { ready: true })),
        Ok(Err(error)) => Err(NotReady::because(&error)),
        Err(_) => Err(NotReady::because(&ApiError::unavailable(
            "index_unavailable",
            "The search index does not answer in time; the machine is overloaded or its disk is slow.",
        ))),
    }
}
