//! The first set-up.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::auth::setup::{FirstUser, finish};
use crate::auth::{check_origin, session};
use crate::error::{ApiError, ErrorBody};
use crate::extract::Json;
use crate::state::AppState;

/// Whether somebody has to set Seogo up.
#[derive(Serialize, ToSchema)]
pub(crate) struct SetupState {
    /// There is no user yet.
    needed: bool,
}

/// The first user.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetupRequest {
    /// From the one-time link in the server's log.
    token: String,
    username: String,
    /// At least 8 characters.
    password: String,
}

/// Whether the first set-up is still to be done.
#[utoipa::path(get, path = "/api/setup", tag = "auth", responses((status = 200, body = SetupState)))]
pub(crate) async fn get(
    State(app): State<Arc<AppState>>,
) -> Result<axum::Json<SetupState>, ApiError> {
    let users = app.read().await?.user_count().await?;
    Ok(axum::Json(SetupState { needed: users == 0 }))
}

/// Makes the first user and signs it in.
#[utoipa::path(post, path = "/api/setup", tag = "auth", request_body = SetupRequest, responses(
    (status = 204, description = "Signed in: a session cookie is set"),
    (status = 400, body = ErrorBody, description = "`weak_password`, `invalid_username`"),
    (status = 403, body = ErrorBody, description = "`invalid_setup_token`"),
    (status = 409, body = ErrorBody, description = "`already_set_up`")
))]
pub(crate) async fn post(
    State(app): State<Arc<AppState>>,
    headers: HeaderMap,
    Json(request): Json<SetupRequest>,
) -> Result<impl IntoResponse, ApiError> {
    check_origin(&Method::POST, &headers)?;
    let first = FirstUser {
        token: request.token,
        name: request.username,
        password: request.password,
    };
    let (mut tx, user) = finish(&app, first).await?;
    let cookie = session::begin(&app, &mut tx, &user.id, &headers).await?;
    tx.commit().await?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]))
}
