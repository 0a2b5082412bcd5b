//! Signing in.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Extension;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::IntoResponse;
use serde::Deserialize;
use store::User;
use utoipa::ToSchema;

use crate::auth::{check_origin, session, user_name};
use crate::error::{ApiError, ErrorBody};
use crate::extract::Json;
use crate::state::AppState;

/// Who wants to sign in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoginRequest {
    username: String,
    password: String,
}

/// Signs in.
#[utoipa::path(post, path = "/api/auth/login", tag = "auth", request_body = LoginRequest, responses(
    (status = 204, description = "Signed in: a session cookie is set"),
    (status = 401, body = ErrorBody, description = "`invalid_credentials`"),
    (status = 429, body = ErrorBody, description = "`too_many_attempts`; Retry-After says when the next one is heard")
))]
pub(crate) async fn post(
    State(app): State<Arc<AppState>>,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
    Json(request): Json<LoginRequest>,
) -> Result<impl IntoResponse, ApiError> {
    check_origin(&Method::POST, &headers)?;
    // A name that nobody can have is nobody's, and nothing long is kept of it.
    let name = user_name(&request.username).unwrap_or_default();
    let key = (name.clone(), peer.map(|Extension(info)| info.0.ip()));
    let logins = &app.internals.logins;
    logins
        .begin(&key, &app.settings, app.now())
        .map_err(too_many_attempts)?;
    let user = verified(&app, &name, request.password).await?;
    logins.succeeded(&key);
    let mut tx = app.write().await?;
    let cookie = session::begin(&app, &mut tx, &user.id, &headers).await?;
    tx.commit().await?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]))
}

/// The user of that name and password. Works as long for a name that nobody has.
async fn verified(app: &AppState, name: &str, password: String) -> Result<User, ApiError> {
    let user = app.read().await?.user_by_name(name).await?;
    let hash = user.as_ref().map(|user| user.password_hash.clone());
    let right = app.internals.passwords.verify(password, hash).await?;
    user.filter(|_| right).ok_or_else(|| {
        ApiError::new(
            StatusCode::UNAUTHORIZED,
            "invalid_credentials",
            "The user name or the password is wrong.",
        )
    })
}

fn too_many_attempts(seconds: u64) -> ApiError {
    let message = format!("Too many failed sign-ins; try again in {seconds} seconds.");
    ApiError::new(StatusCode::TOO_MANY_REQUESTS, "too_many_attempts", message)
        .with_retry_after(seconds)
}
