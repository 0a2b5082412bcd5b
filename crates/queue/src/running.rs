//! The runs that go on in this process: whose claims are kept alive, and who is told when a claim is lost.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::QueueItemId;

use crate::Job;

/// Every run that goes on, by its row.
#[derive(Default)]
pub(crate) struct Running(Mutex<HashMap<QueueItemId, Arc<Job>>>);

impl Running {
    /// Counts the run in until the value is dropped, however it ends. An older run of the same row has lost its claim, or
    /// there could be no new one: it is stopped.
    pub fn enter(self: &Arc<Self>, job: &Arc<Job>) -> Entry {
        let older = self.lock().insert(job.item.id.clone(), Arc::clone(job));
        if let Some(older) = older {
            older.cancel.cancel();
        }
        Entry {
            running: Arc::clone(self),
            job: Arc::clone(job),
        }
    }

    /// The runs of this moment.
    pub fn jobs(&self) -> Vec<Arc<Job>> {
        self.lock().values().map(Arc::clone).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<QueueItemId, Arc<Job>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A run's place among the running ones.
pub(crate) struct Entry {
    running: Arc<Running>,
    job: Arc<Job>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut jobs = self.running.lock();
        // A newer run of the same row keeps its place.
        if jobs
            .get(&self.job.item.id)
            .is_some_and(|job| Arc::ptr_eq(job, &self.job))
        {
            jobs.remove(&self.job.item.id);
        }
    }
}
