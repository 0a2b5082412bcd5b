//! Counts of all that was ever done: as expensive as history is long, so kept for a while.

use std::collections::HashMap;
use std::time::Duration;

use store::{StageCounts, StoreError, Tx};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::state::AppState;

/// Counts that took less are made anew every time.
const CHEAP: Duration = Duration::from_millis(20);
/// How old counts may be that took longer.
const KEPT: Duration = Duration::from_secs(30);

/// Counts of history, made anew now and then.
#[derive(Debug, Default)]
pub(crate) struct HistoryCounts(Mutex<Option<Kept>>);

#[derive(Clone, Debug)]
struct Kept {
    made: Instant,
    took: Duration,
    history: History,
}

/// What only history knows, by stage.
#[derive(Clone, Debug, Default)]
struct History {
    completed: HashMap<String, i64>,
    outdated: HashMap<String, i64>,
}

/// How every stage stands.
#[derive(Clone, Debug)]
pub(crate) struct AllCounts {
    pub counts: HashMap<String, StageCounts>,
    /// Documents that last passed the stage in an older version.
    pub outdated: HashMap<String, i64>,
}

impl HistoryCounts {
    /// How every stage stands: as of now, but for what has been completed, which may be half a minute old.
    pub async fn all(&self, app: &AppState, tx: &mut Tx) -> Result<AllCounts, StoreError> {
        let mut counts = tx.live_counts().await?;
        let history = self.history(app, tx).await?;
        for (stage, completed) in history.completed {
            counts.entry(stage).or_default().completed = completed;
        }
        Ok(AllCounts {
            counts,
            outdated: history.outdated,
        })
    }

    async fn history(&self, app: &AppState, tx: &mut Tx) -> Result<History, StoreError> {
        // Held while they are made: whoever comes meanwhile takes what was made.
        let mut kept = self.0.lock().await;
        if let Some(kept) = &*kept
            && kept.took >= CHEAP
            && kept.made.elapsed() < KEPT
        {
            return Ok(kept.history.clone());
        }
        let made = Instant::now();
        let versions: Vec<_> = app.graph.specs().map(|s| (s.name, s.version)).collect();
        let history = History {
            completed: tx.completed_counts().await?,
            outdated: tx.outdated_counts(&versions).await?,
        };
        *kept = Some(Kept {
            made,
            took: made.elapsed(),
            history: history.clone(),
        });
        Ok(history)
    }
}
