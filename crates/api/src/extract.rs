//! axum's extractors with refusals in the API's own shape.

use axum::extract::{FromRequest, FromRequestParts};

use model::name::nfc;

use crate::error::ApiError;

/// A JSON body.
#[derive(Debug, FromRequest)]
#[from_request(via(axum::Json), rejection(ApiError))]
pub(crate) struct Json<T>(pub T);

/// The query string.
#[derive(Debug, FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(ApiError))]
pub(crate) struct Query<T>(pub T);

/// Parts of the path.
#[derive(Debug, FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(ApiError))]
pub(crate) struct Path<T>(pub T);

/// The limit of a list: `default` where none is asked for, refused outside `1..=max`.
pub(crate) fn limit(asked: Option<i64>, default: i64, max: i64) -> Result<i64, ApiError> {
    match asked {
        None => Ok(default),
        Some(limit) if (1..=max).contains(&limit) => Ok(limit),
        Some(limit) => Err(ApiError::bad_request(
            "invalid_limit",
            format!("limit is {limit}; it must be between 1 and {max}."),
        )),
    }
}

/// Text that a person typed as it is kept: NFC, one line, without white space around it and without control characters
/// (PostgreSQL keeps no NUL).
pub(crate) fn line_of(text: &str) -> String {
    let visible: String = text.chars().filter(|c| !c.is_control()).collect();
    nfc(visible.trim())
}

/// Parses a query value whose type says in its error what is allowed; an empty value is none.
pub(crate) fn parsed<T>(text: Option<&str>, code: &'static str) -> Result<Option<T>, ApiError>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    text.filter(|text| !text.is_empty())
        .map(str::parse)
        .transpose()
        .map_err(|error: T::Err| ApiError::bad_request(code, error.to_string()))
}
