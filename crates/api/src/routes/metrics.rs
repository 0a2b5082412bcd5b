//! What Prometheus reads.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;

use crate::error::ApiError;
use crate::metrics::line;
use crate::state::AppState;

const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Documents, queue and requests in Prometheus' text format.
#[utoipa::path(get, path = "/metrics", tag = "server", responses((status = 200, body = String, content_type = "text/plain")))]
pub(crate) async fn get(State(app): State<Arc<AppState>>) -> Result<impl IntoResponse, ApiError> {
    let mut text = String::new();
    write_store(&app, &mut text).await?;
    app.internals.metrics.write_to(&mut text);
    Ok(([(header::CONTENT_TYPE, FORMAT)], text))
}

async fn write_store(app: &AppState, text: &mut String) -> Result<(), ApiError> {
    let mut tx = app.read().await?;
    text.push_str("# TYPE seogo_documents gauge\n");
    for (category, count) in tx.category_counts().await? {
        line(
            text,
            "seogo_documents",
            &[("category", category.as_str())],
            count,
        );
    }
    let counts = app.internals.history.all(app, &mut tx).await?.counts;
    text.push_str("# TYPE seogo_queue_items gauge\n");
    for spec in app.graph.specs() {
        let of = counts.get(spec.name).cloned().unwrap_or_default();
        let by_status = [
            ("pending", of.pending),
            ("waiting", of.waiting),
            ("processing", of.processing),
            ("completed", of.completed),
            ("failed", of.failed),
            ("cancelled", of.cancelled),
        ];
        for (status, count) in by_status {
            line(
                text,
                "seogo_queue_items",
                &[("stage", spec.name), ("status", status)],
                count,
            );
        }
    }
    Ok(())
}
