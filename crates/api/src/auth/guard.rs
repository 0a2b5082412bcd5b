//! Stands before every route that needs a sign-in.

use std::sync::Arc;

use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{FromRequestParts, RawPathParams, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use model::{DocumentId, Timestamp};
use serde::Deserialize;
use store::StoreError;

use super::media_token::{self, Purpose};
use super::secret::hash_of;
use super::{api_token, check_origin, session};
use crate::error::ApiError;
use crate::extract::Query;
use crate::state::AppState;

/// How exactly a token's last use is kept: writing at every request would cost more than it tells.
const TOUCH_EVERY_MS: i64 = 60 * 60 * 1000;

/// Who sent the request.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    /// The user, where a person stands behind it.
    pub user_id: Option<String>,
    /// The user's name, or that of the token.
    pub name: String,
}

/// The identity that the guard found.
impl<S: Sync> FromRequestParts<S> for Identity {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let found = parts.extensions.get::<Self>().cloned();
        found.ok_or_else(ApiError::unauthorized)
    }
}

/// Lets through who is signed in or has an API token.
pub(crate) async fn require_login(
    State(app): State<Arc<AppState>>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let (method, headers) = (request.method().clone(), request.headers().clone());
    let identity = identify(&app, &method, &headers).await?;
    request.extensions_mut().insert(identity);
    Ok(next.run(request).await)
}

#[derive(Deserialize)]
pub(crate) struct MediaQuery {
    token: Option<String>,
}

/// As [`require_login`], and who has a media token for this document and `purpose`.
pub(crate) async fn require_login_or_token(
    State((app, purpose)): State<(Arc<AppState>, Purpose)>,
    Query(query): Query<MediaQuery>,
    params: Result<RawPathParams, RawPathParamsRejection>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let Some(token) = query.token else {
        return require_login(State(app), request, next).await;
    };
    let params = params.map_err(|_| ApiError::document_not_found())?;
    let id = params.iter().find(|(name, _)| *name == "id");
    let id = DocumentId::from(id.map_or("", |(_, value)| value));
    if !media_token::opens(&app.secret, &token, &id, purpose, app.now()) {
        return Err(ApiError::unauthorized());
    }
    Ok(next.run(request).await)
}

async fn identify(
    app: &AppState,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Identity, ApiError> {
    if let Some(token) = bearer(headers) {
        let found = by_token(app, token).await?;
        return found.ok_or_else(ApiError::unauthorized);
    }
    let hash = session::hash_in(headers).ok_or_else(ApiError::unauthorized)?;
    let found = app.read().await?.session_user(&hash, app.now()).await?;
    let user = found.ok_or_else(ApiError::unauthorized)?;
    check_origin(method, headers)?;
    Ok(Identity {
        user_id: Some(user.id),
        name: user.name,
    })
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

async fn by_token(app: &AppState, token: &str) -> Result<Option<Identity>, StoreError> {
    if !token.starts_with(api_token::PREFIX) {
        return Ok(None);
    }
    let mut tx = app.read().await?;
    let Some(found) = tx.api_token(&hash_of(token)).await? else {
        return Ok(None);
    };
    let user = match &found.user_id {
        Some(id) => tx.user(id).await?,
        None => None,
    };
    drop(tx);
    touch(app, &found.id, found.last_used_at).await?;
    Ok(Some(Identity {
        user_id: found.user_id,
        name: user.map_or(found.name, |user| user.name),
    }))
}

async fn touch(app: &AppState, id: &str, last: Option<Timestamp>) -> Result<(), StoreError> {
    let now = app.now();
    if last.is_some_and(|last| now.ms_since(last) < TOUCH_EVERY_MS) {
        return Ok(());
    }
    let mut tx = app.write().await?;
    tx.touch_api_token(id, now).await?;
    tx.commit().await
}
