//! Questions to the archive.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::error::{ApiError, ErrorBody};
use crate::extract::Json;

/// A question.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AskRequest {
    #[allow(
        dead_code,
        reason = "checked to be there; nothing answers it without a model"
    )]
    question: String,
}

/// Answers a question out of the documents. Needs a language model.
#[utoipa::path(post, path = "/api/ask", tag = "search", request_body = AskRequest, responses(
    (status = 400, body = ErrorBody, description = "`invalid_body`"),
    (status = 401, body = ErrorBody),
    (status = 503, body = ErrorBody, description = "`no_llm`")
))]
pub(crate) async fn post(Json(_): Json<AskRequest>) -> Result<(), ApiError> {
    Err(ApiError::unavailable(
        "no_llm",
        "Questions need a language model, and this server cannot use one yet. Search finds the passages themselves.",
    ))
}
