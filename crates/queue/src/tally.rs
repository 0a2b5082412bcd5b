//! What this process has ended since it last wrote it down. Written with the heartbeats and not with every end: a crash may cost
//! the numbers of two seconds, never an item.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use model::{QueueItem, StageName};
use store::MinuteCount;

use crate::StageError;
use crate::ends::{End, Ended};

fn is_last(item: &QueueItem) -> bool {
    item.attempts >= item.max_attempts
}

/// Counts per stage.
#[derive(Default)]
pub(crate) struct Tally(Mutex<BTreeMap<StageName, MinuteCount>>);

impl Tally {
    /// Counts committed ends in.
    pub fn add(&self, ends: &[Ended]) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for ended in ends {
            let (completed, failed) = match ended.end {
                End::Done(_) => (1, 0),
                End::Failed(StageError::Fail { .. }) => (0, 1),
                End::Failed(StageError::Retry { .. }) if is_last(ended.item()) => (0, 1),
                End::Failed(_) | End::HandBack => continue,
            };
            let name = ended.spec.name;
            let count = counts.entry(name).or_insert_with(|| MinuteCount::new(name));
            count.completed += completed;
            count.failed += failed;
            count.busy_us += i64::try_from(ended.took.as_micros()).unwrap_or(i64::MAX);
        }
    }

    /// What is to be written.
    pub fn take(&self) -> Vec<MinuteCount> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *counts).into_values().collect()
    }
}
