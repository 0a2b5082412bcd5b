//! The web app, embedded in the binary. Every path that is no file of it gets its one page: the app reads the path itself.

use std::borrow::Cow;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

use crate::error::ApiError;

/// What `npm run build` made; may be absent, so that the server can be built without it.
#[derive(RustEmbed)]
#[folder = "../../web/build"]
#[allow_missing = true]
struct WebApp;

/// A file of the app.
struct AppFile {
    data: Cow<'static, [u8]>,
    /// SHA-256 of the data.
    hash: [u8; 32],
}

fn embedded(path: &str) -> Option<AppFile> {
    WebApp::get(path).map(|file| AppFile {
        hash: file.metadata.sha256_hash(),
        data: file.data,
    })
}

const PAGE: &str = "index.html";

/// Files whose names hold a hash of their content.
const HASHED: &str = "_app/immutable/";

/// Everything of the app's build lies below this; what is not there is not there.
const BUILT: &str = "_app/";

const KEEP: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

/// Where the page brings no policy of its own.
const STRICT_POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; \
    media-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self'";

const NOT_BUILT: &str = "The web app is not part of this build. Run `make build`, or `npm run build` in the folder web, and start the server again.\n";

/// Answers whatever no route does.
pub(crate) async fn fallback(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    if path == "api" || path.starts_with("api/") {
        return no_such_call(&uri).into_response();
    }
    if !method.is_safe() {
        return method_not_allowed().await.into_response();
    }
    answer(path, &headers, &embedded)
}

/// Answers a known path asked with the wrong method.
pub(crate) async fn method_not_allowed() -> ApiError {
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "This path does not take this method; /api/openapi.json lists what there is.",
    )
}

fn no_such_call(uri: &Uri) -> ApiError {
    let message = format!(
        "There is no {}; /api/openapi.json lists what there is.",
        uri.path()
    );
    ApiError::not_found("not_found", message)
}

fn answer(path: &str, asked: &HeaderMap, get: &dyn Fn(&str) -> Option<AppFile>) -> Response {
    if path != PAGE && !path.is_empty() {
        if let Some(file) = get(path) {
            return asset(path, asked, file);
        }
        if path.starts_with(BUILT) {
            let message = "This part of the web app is gone; reload the page.";
            return ApiError::not_found("not_found", message).into_response();
        }
    }
    match get(PAGE) {
        Some(file) => page(asked, file),
        None => (StatusCode::SERVICE_UNAVAILABLE, NOT_BUILT).into_response(),
    }
}

fn asset(path: &str, asked: &HeaderMap, file: AppFile) -> Response {
    let cache = if path.starts_with(HASHED) {
        KEEP
    } else {
        ASK_AGAIN
    };
    let mime = mime_guess::from_path(path).first_or_octet_stream();
    let mut headers = HeaderMap::new();
    headers.insert(header::CACHE_CONTROL, cache);
    headers.insert(header::CONTENT_TYPE, text_value(mime.as_ref()));
    send(asked, headers, file)
}

fn page(asked: &HeaderMap, file: AppFile) -> Response {
    let html = String::from_utf8_lossy(&file.data);
    let own = policy_in(&html).unwrap_or_else(|| STRICT_POLICY.to_owned());
    let mut headers = HeaderMap::new();
    headers.insert(header::CACHE_CONTROL, ASK_AGAIN);
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        text_value(&format!("{own}; frame-ancestors 'none'")),
    );
    send(asked, headers, file)
}

fn send(asked: &HeaderMap, mut headers: HeaderMap, file: AppFile) -> Response {
    let tag = text_value(&format!(
        "\"{}\"",
        blake3::Hash::from_bytes(file.hash).to_hex()
    ));
    let known = asked.get(header::IF_NONE_MATCH) == Some(&tag);
    headers.insert(header::ETAG, tag);
    if known {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, Body::from(file.data)).into_response()
}

/// The policy in the page's `<meta http-equiv="content-security-policy">`: its build knows the hashes of its scripts.
fn policy_in(html: &str) -> Option<String> {
    let at = html
        .to_ascii_lowercase()
        .find("http-equiv=\"content-security-policy\"")?;
    let tag = html[at..].split('>').next()?;
    let content = tag.split("content=\"").nth(1)?.split('"').next()?;
    Some(content.trim().trim_end_matches(';').replace("&#39;", "'"))
}

fn text_value(text: &str) -> HeaderValue {
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HTML: &str = "<head><meta http-equiv=\"content-security-policy\" content=\"default-src 'self'; script-src 'sha256-abc='\"></head>";

    fn build(path: &str) -> Option<AppFile> {
        let data: &'static str = match path {
            "index.html" => HTML,
            "_app/immutable/a.js" => "1",
            "favicon.svg" => "<svg/>",
            _ => return None,
        };
        Some(AppFile {
            data: data.as_bytes().into(),
            hash: [7; 32],
        })
    }

    fn get(path: &str) -> Response {
        answer(path, &HeaderMap::new(), &build)
    }

    #[test]
    fn every_path_of_the_app_gets_its_page() {
        for path in ["", "index.html", "audio/018f", "setup", "문서/가"] {
            let response = get(path);
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            assert_eq!(response.headers()[header::CACHE_CONTROL], "no-cache");
            assert_eq!(
                response.headers()[header::CONTENT_SECURITY_POLICY],
                "default-src 'self'; script-src 'sha256-abc='; frame-ancestors 'none'"
            );
        }
    }

    #[test]
    fn hashed_files_are_kept_for_ever_and_others_are_asked_for_again() {
        let hashed = get("_app/immutable/a.js");
        assert_eq!(hashed.headers()[header::CACHE_CONTROL], KEEP);
        assert_eq!(hashed.headers()[header::CONTENT_TYPE], "text/javascript");
        let icon = get("favicon.svg");
        assert_eq!(icon.headers()[header::CACHE_CONTROL], ASK_AGAIN);
        assert_eq!(icon.headers()[header::CONTENT_TYPE], "image/svg+xml");
        assert_eq!(get("_app/immutable/old.js").status(), StatusCode::NOT_FOUND);
    }

    #[test]
    fn a_known_version_is_not_sent_again() {
        let tag = get("favicon.svg").headers()[header::ETAG].clone();
        let asked = HeaderMap::from_iter([(header::IF_NONE_MATCH, tag)]);
        assert_eq!(
            answer("favicon.svg", &asked, &build).status(),
            StatusCode::NOT_MODIFIED
        );
    }

    #[test]
    fn a_build_without_the_app_says_what_to_do() {
        let response = answer("", &HeaderMap::new(), &|_| None);
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
}
