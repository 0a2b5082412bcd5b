//! Which rows are meant, as the calls that steer many at once are told.

use axum::body::Bytes;
use model::{Category, DocumentId, Status};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::document_stage::unknown_stage;
use crate::error::ApiError;
use crate::state::AppState;
use crate::view::schema;

/// Rows of the queue; what is said must all hold. A name that is not one of these is refused, lest it narrow nothing.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct QueueSelection {
    stage: Option<String>,
    #[schema(value_type = Option<schema::StatusWord>)]
    pub status: Option<Status>,
    /// Ended with this code.
    error_code: Option<String>,
    #[schema(value_type = Option<schema::CategoryWord>)]
    category: Option<Category>,
    #[schema(value_type = Option<String>)]
    document_id: Option<DocumentId>,
    /// Of documents with this tag.
    tag: Option<String>,
    /// Says that everything is meant, where nothing else is said.
    all: Option<bool>,
}

/// How many rows it was done to.
#[derive(Serialize, ToSchema)]
pub(crate) struct Count {
    pub count: u64,
}

impl QueueSelection {
    /// Reads a body; nothing at all is an empty selection.
    pub fn read(body: &Bytes) -> Result<Self, ApiError> {
        if body.is_empty() {
            return Ok(Self::default());
        }
        serde_json::from_slice(body)
            .map_err(|error| ApiError::bad_request("invalid_body", error.to_string()))
    }

    /// The rows meant. A status must be one of `statuses`.
    pub fn checked(
        self,
        app: &AppState,
        statuses: &[Status],
    ) -> Result<store::QueueSelection, ApiError> {
        if let Some(name) = self
            .stage
            .as_deref()
            .filter(|name| app.graph.stage(name).is_none())
        {
            return Err(unknown_stage(app, name));
        }
        if let Some(odd) = self.status.filter(|status| !statuses.contains(status)) {
            let names: Vec<_> = statuses.iter().map(|status| status.as_str()).collect();
            let message = format!(
                "This is not for rows that are {odd}, only for those that are {}.",
                names.join(" or ")
            );
            return Err(ApiError::bad_request("invalid_status", message));
        }
        Ok(store::QueueSelection {
            stage: self.stage,
            status: self.status,
            error_code: self.error_code,
            category: self.category,
            document_id: self.document_id,
            tag: self.tag,
        })
    }

    /// Refuses a selection that says nothing, not even that everything is meant.
    pub fn narrowed(self) -> Result<Self, ApiError> {
        let narrows = self.stage.is_some()
            || self.status.is_some()
            || self.error_code.is_some()
            || self.category.is_some()
            || self.document_id.is_some()
            || self.tag.is_some()
            || self.all == Some(true);
        if narrows {
            Ok(self)
        } else {
            Err(empty_selection())
        }
    }
}

/// 400 where nothing narrows what is asked for.
pub(super) fn empty_selection() -> ApiError {
    ApiError::bad_request(
        "empty_selection",
        "Say what is meant, like {\"category\": \"audio\"}, or {\"all\": true} for everything.",
    )
}
