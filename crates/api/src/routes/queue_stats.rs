//! How the queue stands.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use model::{Lane, Timestamp};
use serde::Serialize;
use store::StageCounts;
use utoipa::ToSchema;

use crate::error::{ApiError, ErrorBody};
use crate::state::AppState;
use crate::view::schema;

/// How far back the rate is measured.
const RATE_WINDOW_MS: i64 = 10 * 60 * 1000;

/// How the queue stands.
#[derive(Serialize, ToSchema)]
pub(crate) struct QueueStats {
    /// In the order of the graph.
    stages: Vec<StageStats>,
    /// Seconds since the oldest row that only waits for its turn was added; null where none does.
    oldest_pending_age_s: Option<f64>,
    /// Seconds until everything is done at the rate of the last ten minutes; null where nothing is open or nothing was done.
    eta_s: Option<f64>,
}

/// How one stage stands.
#[derive(Serialize, ToSchema)]
pub(crate) struct StageStats {
    stage: &'static str,
    #[schema(value_type = schema::LaneWord)]
    lane: Lane,
    paused: bool,
    /// Ready to run.
    pending: i64,
    /// Waiting for something absent.
    waiting: i64,
    processing: i64,
    completed: i64,
    failed: i64,
    cancelled: i64,
}

/// Counts per stage and status, the oldest age, and the time to go.
#[utoipa::path(get, path = "/api/queue/stats", tag = "queue", responses(
    (status = 200, body = QueueStats), (status = 401, body = ErrorBody)
))]
pub(crate) async fn get(State(app): State<Arc<AppState>>) -> Result<Json<QueueStats>, ApiError> {
    let now = app.now();
    let mut tx = app.read().await?;
    let counts = tx.stage_counts().await?;
    let paused = tx.paused_stages().await?;
    let oldest = tx.oldest_pending().await?;
    let done = tx.completed_since(now.plus_ms(-RATE_WINDOW_MS)).await?;
    let stages: Vec<_> = app
        .graph
        .specs()
        .map(|spec| {
            let held = paused.iter().any(|name| name == spec.name);
            let counts = counts.get(spec.name).cloned().unwrap_or_default();
            StageStats::new(spec, held, &counts)
        })
        .collect();
    Ok(Json(QueueStats {
        eta_s: eta_s(open(&stages), done),
        oldest_pending_age_s: oldest.map(|oldest| age_s(oldest, now)),
        stages,
    }))
}

impl StageStats {
    fn new(spec: &model::StageSpec, paused: bool, counts: &StageCounts) -> Self {
        Self {
            stage: spec.name,
            lane: spec.lane,
            paused,
            pending: counts.pending,
            waiting: counts.waiting,
            processing: counts.processing,
            completed: counts.completed,
            failed: counts.failed,
            cancelled: counts.cancelled,
        }
    }
}

/// Rows that get done without anybody doing anything.
fn open(stages: &[StageStats]) -> i64 {
    let pending = |stage: &StageStats| if stage.paused { 0 } else { stage.pending };
    stages
        .iter()
        .map(|stage| stage.processing + pending(stage))
        .sum()
}

fn age_s(since: Timestamp, now: Timestamp) -> f64 {
    now.ms_since(since).max(0) as f64 / 1000.0
}

fn eta_s(open: i64, done_in_window: i64) -> Option<f64> {
    let window_s = RATE_WINDOW_MS as f64 / 1000.0;
    (open > 0 && done_in_window > 0)
        .then(|| (open as f64 * window_s / done_in_window as f64).round())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eta_follows_from_the_rate() {
        assert_eq!(eta_s(30, 60), Some(300.0));
        assert_eq!(eta_s(0, 60), None);
        assert_eq!(eta_s(30, 0), None);
    }
}
