//! API tokens: list, make, take back.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use model::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::auth::guard::Identity;
use crate::auth::{NewApiToken, create_api_token};
use crate::error::{ApiError, ErrorBody};
use crate::extract::{Json, Path, line_of};
use crate::state::AppState;

/// Longest name of a token, in characters.
const NAME_MAX_CHARS: usize = 100;

/// A token without its secret.
#[derive(Serialize, ToSchema)]
#[schema(as = ApiToken)]
pub(crate) struct ApiTokenView {
    id: String,
    name: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// To the hour.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_used_at: Option<Timestamp>,
}

/// What the new token is called.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTokenRequest {
    name: String,
}

/// Every API token, oldest first.
#[utoipa::path(get, path = "/api/auth/tokens", tag = "auth", responses(
    (status = 200, body = [ApiTokenView]), (status = 401, body = ErrorBody)
))]
pub(crate) async fn list(
    State(app): State<Arc<AppState>>,
) -> Result<axum::Json<Vec<ApiTokenView>>, ApiError> {
    let tokens = app.read().await?.api_tokens().await?;
    let views = tokens.into_iter().map(|token| ApiTokenView {
        id: token.id,
        name: token.name,
        created_at: token.created_at,
        last_used_at: token.last_used_at,
    });
    Ok(axum::Json(views.collect()))
}

/// Makes a token; the answer is the only place where it can be read.
#[utoipa::path(post, path = "/api/auth/tokens", tag = "auth", request_body = NewTokenRequest, responses(
    (status = 201, body = NewApiToken),
    (status = 400, body = ErrorBody, description = "`invalid_name`"),
    (status = 401, body = ErrorBody)
))]
pub(crate) async fn create(
    State(app): State<Arc<AppState>>,
    identity: Identity,
    Json(request): Json<NewTokenRequest>,
) -> Result<(StatusCode, axum::Json<NewApiToken>), ApiError> {
    let name = line_of(&request.name);
    if !(1..=NAME_MAX_CHARS).contains(&name.chars().count()) {
        let message = format!("A token's name has 1 to {NAME_MAX_CHARS} characters.");
        return Err(ApiError::bad_request("invalid_name", message));
    }
    let user_id = identity.user_id.as_deref();
    let token = create_api_token(&app.store, &*app.clock, &*app.random, &name, user_id).await?;
    Ok((StatusCode::CREATED, axum::Json(token)))
}

/// Takes a token back.
#[utoipa::path(delete, path = "/api/auth/tokens/{id}", tag = "auth", params(("id" = String, Path)), responses(
    (status = 204), (status = 401, body = ErrorBody),
    (status = 404, body = ErrorBody, description = "`token_not_found`")
))]
pub(crate) async fn delete(
    State(app): State<Arc<AppState>>,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let mut tx = app.write().await?;
    if !tx.delete_api_token(&id).await? {
        let message = "There is no token with this id.";
        return Err(ApiError::not_found("token_not_found", message));
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
