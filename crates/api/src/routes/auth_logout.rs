//! Signing out.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;

use crate::auth::session;
use crate::error::{ApiError, ErrorBody};
use crate::state::AppState;

/// Ends the session.
#[utoipa::path(post, path = "/api/auth/logout", tag = "auth", responses(
    (status = 204), (status = 401, body = ErrorBody)
))]
pub(crate) async fn post(
    State(app): State<Arc<AppState>>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, ApiError> {
    if let Some(hash) = session::hash_in(&headers) {
        let mut tx = app.write().await?;
        tx.delete_session(&hash).await?;
        tx.commit().await?;
    }
    let cookie = session::end_cookie(&headers);
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]))
}
