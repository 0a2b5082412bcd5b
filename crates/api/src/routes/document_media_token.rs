//! Tokens for media elements.

use std::sync::Arc;

use axum::extract::State;
use model::{DocumentId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::auth::media_token::{Purpose, sign};
use crate::error::{ApiError, ErrorBody};
use crate::extract::{Json, Path};
use crate::state::AppState;

/// What the token is to open.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MediaTokenRequest {
    purpose: Purpose,
}

/// A token for `?token=`.
#[derive(Serialize, ToSchema)]
pub(crate) struct MediaToken {
    token: String,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

/// Makes a token that opens this document for one purpose for an hour.
#[utoipa::path(post, path = "/api/documents/{id}/media-token", tag = "documents", params(("id" = String, Path)),
    request_body = MediaTokenRequest, responses(
    (status = 200, body = MediaToken),
    (status = 400, body = ErrorBody, description = "`invalid_body`"),
    (status = 401, body = ErrorBody),
    (status = 404, body = ErrorBody, description = "`document_not_found`")
))]
pub(crate) async fn post(
    State(app): State<Arc<AppState>>,
    Path(id): Path<DocumentId>,
    Json(request): Json<MediaTokenRequest>,
) -> Result<axum::Json<MediaToken>, ApiError> {
    let document = app.document(&id).await?;
    let ttl_ms = i64::try_from(app.settings.media_token_ttl.as_millis()).unwrap_or(i64::MAX);
    let expires_at = app.now().plus_ms(ttl_ms);
    Ok(axum::Json(MediaToken {
        token: sign(&app.secret, &document.id, request.purpose, expires_at),
        expires_at,
    }))
}
