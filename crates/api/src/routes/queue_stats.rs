//! How the queue stands.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use model::{Lane, StageSpec, Timestamp};
use serde::Serialize;
use store::{StageCounts, StageRate, Waiting};
use utoipa::ToSchema;

use super::queue_history::AllCounts;
use crate::error::{ApiError, ErrorBody};
use crate::state::AppState;
use crate::view::schema;

/// How the queue stands.
#[derive(Serialize, ToSchema)]
pub(crate) struct QueueStats {
    /// In the order of the graph.
    stages: Vec<StageStats>,
    /// Seconds since the oldest row that only waits for its turn was added; null where none does.
    oldest_pending_age_s: Option<f64>,
    /// Seconds until the last stage is through; null where nothing is open or nothing is known.
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
    /// Since when a person holds it.
    #[schema(value_type = Option<String>, format = DateTime)]
    paused_since: Option<Timestamp>,
    /// How many at once.
    concurrency: usize,
    version: i64,
    /// Documents that last passed it in an older version.
    outdated: i64,
    /// Runs completed in a minute, within the last ten.
    completed_per_minute: f64,
    /// Seconds that a run took in the mean of the last hour; null where none ended.
    mean_s: Option<f64>,
    /// Seconds until what is open is through; null where nothing is, where it is paused, or where nothing is known.
    eta_s: Option<f64>,
    /// Since when the oldest row that only waits for its turn has been due.
    #[schema(value_type = Option<String>, format = DateTime)]
    oldest_due_at: Option<Timestamp>,
    /// What rows wait for, most of them first.
    #[schema(value_type = Vec<WaitingFields>)]
    waiting_for: Vec<Waiting>,
}

/// Rows that wait for the same absent thing.
#[derive(ToSchema)]
#[schema(as = Waiting)]
#[allow(
    dead_code,
    reason = "described, never made: the store's own is what is sent"
)]
pub(crate) struct WaitingFields {
    waiting_for: String,
    /// For people: what to do.
    message: Option<String>,
    count: i64,
    /// When the first of them looks again.
    #[schema(value_type = String, format = DateTime)]
    next_look_at: Timestamp,
}

/// Counts per stage and status, the oldest age, and the time to go.
#[utoipa::path(get, path = "/api/queue/stats", tag = "queue", responses(
    (status = 200, body = QueueStats), (status = 401, body = ErrorBody)
))]
pub(crate) async fn get(State(app): State<Arc<AppState>>) -> Result<Json<QueueStats>, ApiError> {
    let now = app.now();
    let mut tx = app.read().await?;
    let all = app.internals.history.all(&app, &mut tx).await?;
    let mut standing = Standing {
        all,
        paused: tx.paused_stages().await?,
        rates: tx.stage_rates(now).await?,
        waiting: tx.waiting().await?,
    };
    let oldest = tx.oldest_pending().await?;
    let specs = app.graph.specs();
    let stages: Vec<_> = specs
        .map(|spec| standing.of(spec, app.concurrency(spec), now))
        .collect();
    let etas = stages.iter().filter_map(|stage| stage.eta_s);
    Ok(Json(QueueStats {
        eta_s: etas.max_by(f64::total_cmp),
        oldest_pending_age_s: oldest.map(|oldest| age_s(oldest, now)),
        stages,
    }))
}

/// What the database says of all stages.
struct Standing {
    all: AllCounts,
    paused: HashMap<String, Timestamp>,
    rates: HashMap<String, StageRate>,
    waiting: Vec<Waiting>,
}

impl Standing {
    /// Takes out what it says of one.
    fn of(&mut self, spec: &StageSpec, concurrency: usize, now: Timestamp) -> StageStats {
        let counts = self.all.counts.remove(spec.name).unwrap_or_default();
        let paused_since = self.paused.get(spec.name).copied();
        let rate = self.rates.get(spec.name).copied().unwrap_or_default();
        let stage = spec.name;
        let waiting_for = self.waiting.extract_if(.., |w| w.stage == stage).collect();
        StageStats {
            stage,
            lane: spec.lane,
            paused: paused_since.is_some(),
            eta_s: eta_s(&counts, &rate, paused_since.is_some()),
            pending: counts.pending,
            waiting: counts.waiting,
            processing: counts.processing,
            completed: counts.completed,
            failed: counts.failed,
            cancelled: counts.cancelled,
            paused_since,
            concurrency,
            version: spec.version,
            outdated: self.all.outdated.get(stage).copied().unwrap_or(0),
            completed_per_minute: rate.per_minute(),
            mean_s: rate.mean_s(),
            oldest_due_at: counts.oldest_due_at.filter(|due| *due <= now),
            waiting_for,
        }
    }
}

/// What is held gets done when somebody resumes it; nobody knows when.
fn eta_s(counts: &StageCounts, rate: &StageRate, paused: bool) -> Option<f64> {
    let open = counts.processing + counts.pending;
    if paused {
        return None;
    }
    rate.eta_s(open, counts.processing)
}

fn age_s(since: Timestamp, now: Timestamp) -> f64 {
    now.ms_since(since).max(0) as f64 / 1000.0
}
