//! Refuses what another site makes a signed-in browser send.

use axum::http::{HeaderMap, Method, Uri, header};

use crate::error::ApiError;

/// Checks that a request which changes something comes from this site, where the browser tells where it comes from.
///
/// # Errors
/// 403 `bad_origin`.
pub(crate) fn check_origin(method: &Method, headers: &HeaderMap) -> Result<(), ApiError> {
    if method.is_safe() || same_site(headers) {
        return Ok(());
    }
    Err(ApiError::forbidden(
        "bad_origin",
        "This request comes from another site. Behind a proxy, pass the Host header on unchanged.",
    ))
}

fn same_site(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    // Set by the browser itself, never by a page; right even where a proxy changes the Host.
    if text(header::HeaderName::from_static("sec-fetch-site")) == Some("same-origin") {
        return true;
    }
    let Some(from) = headers.get(header::ORIGIN).or(headers.get(header::REFERER)) else {
        return true;
    };
    let host = from.to_str().ok().and_then(host_of);
    host.is_some() && host.as_deref() == text(header::HOST)
}

fn host_of(origin: &str) -> Option<String> {
    let uri: Uri = origin.parse().ok()?;
    uri.authority().map(ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(method: &Method, pairs: &[(&'static str, &'static str)]) -> bool {
        let headers = pairs
            .iter()
            .map(|(name, value)| {
                (
                    header::HeaderName::from_static(name),
                    header::HeaderValue::from_static(value),
                )
            })
            .collect();
        check_origin(method, &headers).is_ok()
    }

    #[test]
    fn another_site_may_read_nothing_into_our_requests() {
        let host = ("host", "nas.local:8080");
        let post = Method::POST;
        assert!(allowed(&post, &[host]), "no browser");
        assert!(allowed(&post, &[host, ("origin", "http://nas.local:8080")]));
        assert!(!allowed(&post, &[host, ("origin", "http://nas.local")]));
        assert!(!allowed(&post, &[host, ("origin", "https://evil.example")]));
        assert!(!allowed(&post, &[host, ("origin", "null")]));
        assert!(!allowed(
            &post,
            &[host, ("referer", "https://evil.example/page")]
        ));
        assert!(allowed(
            &post,
            &[host, ("referer", "http://nas.local:8080/queue?x=1")]
        ));
        assert!(allowed(
            &Method::GET,
            &[host, ("origin", "https://evil.example")]
        ));
        assert!(allowed(
            &post,
            &[
                ("host", "127.0.0.1:8080"),
                ("origin", "https://nas.example"),
                ("sec-fetch-site", "same-origin")
            ]
        ));
    }
}
