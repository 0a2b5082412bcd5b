//! All routes, and what stands before them.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::trace::TraceLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::auth::guard::{require_login, require_login_or_token};
use crate::auth::media_token::Purpose;
use crate::error::ApiError;
use crate::state::AppState;
use crate::{headers, metrics, routes, web};

/// What the OpenAPI document says of the whole.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Seogo",
        description = "A self-hosted archive. Sign in with POST /api/auth/login (session cookie), or send `Authorization: Bearer seogo_…`. Errors are always {error_code, message}."
    ),
    components(schemas(crate::error::ErrorBody))
)]
struct Documentation;

/// The whole HTTP service.
pub fn router(app: Arc<AppState>) -> Router {
    let guard = from_fn_with_state(Arc::clone(&app), require_login);
    let (calls, mut description) = OpenApiRouter::with_openapi(Documentation::openapi())
        .merge(routes::open())
        .merge(routes::guarded().route_layer(guard))
        .split_for_parts();
    let (media, of_media) = media(&app).split_for_parts();
    description.merge(of_media);
    let router = calls
        .merge(routes::openapi::route(Arc::new(description)))
        .fallback(web::fallback)
        // Originals are left as they are: compressed, they would lose their length and their ranges.
        .layer(CompressionLayer::new())
        .merge(media)
        .method_not_allowed_fallback(web::method_not_allowed);
    around(router, &app).with_state(app)
}

/// The calls that a media element makes; each also opens for a token of its own purpose.
fn media(app: &Arc<AppState>) -> OpenApiRouter<Arc<AppState>> {
    let guarded = |purpose: Purpose, routes: OpenApiRouter<Arc<AppState>>| {
        routes.route_layer(from_fn_with_state(
            (Arc::clone(app), purpose),
            require_login_or_token,
        ))
    };
    OpenApiRouter::new()
        .merge(guarded(Purpose::File, routes::file()))
        .merge(guarded(Purpose::Thumbnail, routes::thumbnails()))
        .merge(guarded(Purpose::Preview, routes::preview()))
}

/// What every request passes, the outermost last.
fn around(router: Router<Arc<AppState>>, app: &Arc<AppState>) -> Router<Arc<AppState>> {
    router
        .layer(DefaultBodyLimit::max(app.settings.max_body_bytes))
        .layer(from_fn(refuse_nul))
        .layer(CatchPanicLayer::custom(answer_to_panic))
        .layer(from_fn(headers::secure))
        .layer(TraceLayer::new_for_http().make_span_with(span))
        .layer(from_fn_with_state(Arc::clone(app), metrics::count))
}

/// No name, word or id holds a NUL, and PostgreSQL takes none.
async fn refuse_nul(request: Request, next: Next) -> Result<Response, ApiError> {
    if request.uri().to_string().contains("%00") {
        let message = "The address holds a NUL character; take it out.";
        return Err(ApiError::bad_request("invalid_path", message));
    }
    Ok(next.run(request).await)
}

/// The path alone: query strings carry tokens.
fn span(request: &Request) -> tracing::Span {
    tracing::info_span!("http", method = %request.method(), path = request.uri().path())
}

fn answer_to_panic(panic: Box<dyn std::any::Any + Send + 'static>) -> Response {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a message");
    ApiError::internal(&text).into_response()
}
