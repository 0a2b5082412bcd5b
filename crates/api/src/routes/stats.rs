//! How much there is.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use model::Category;
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::{ApiError, ErrorBody};
use crate::state::AppState;

/// Documents out of the trash, per category.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct CategoryCounts {
    document: i64,
    note: i64,
    audio: i64,
    video: i64,
    image: i64,
}

/// How many documents of each category are out of the trash.
#[utoipa::path(get, path = "/api/stats/category-counts", tag = "documents", responses(
    (status = 200, body = CategoryCounts), (status = 401, body = ErrorBody)
))]
pub(crate) async fn category_counts(
    State(app): State<Arc<AppState>>,
) -> Result<Json<CategoryCounts>, ApiError> {
    let mut counts = CategoryCounts::default();
    for (category, count) in app.read().await?.category_counts().await? {
        *counts.of(category) = count;
    }
    Ok(Json(counts))
}

impl CategoryCounts {
    fn of(&mut self, category: Category) -> &mut i64 {
        match category {
            Category::Document => &mut self.document,
            Category::Note => &mut self.note,
            Category::Audio => &mut self.audio,
            Category::Video => &mut self.video,
            Category::Image => &mut self.image,
        }
    }
}
