//! Who is signed in.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::guard::Identity;
use crate::error::ErrorBody;

/// Who is signed in.
#[derive(Serialize, ToSchema)]
pub(crate) struct SessionInfo {
    /// The user's name; with an API token of nobody's, the token's.
    username: String,
}

/// Who is signed in.
#[utoipa::path(get, path = "/api/auth/session", tag = "auth", responses(
    (status = 200, body = SessionInfo), (status = 401, body = ErrorBody)
))]
pub(crate) async fn get(identity: Identity) -> Json<SessionInfo> {
    Json(SessionInfo {
        username: identity.name,
    })
}
