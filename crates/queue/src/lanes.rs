//! How much runs at once.
//!
//! A stage's first run needs only the stage's own slot, so no stage ever waits behind another's long run. Every further run
//! of it takes a share of its lane, so that all stages together do not overload what the lane stands for.

use std::sync::Arc;

use model::{Lane, StageSpec};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Further runs at once, per lane, beyond the first run of each stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneLimits {
    /// Processor time.
    pub cpu: usize,
    /// The accelerator.
    pub gpu: usize,
    /// Language models.
    pub llm: usize,
}

impl Default for LaneLimits {
    fn default() -> Self {
        Self {
            cpu: 4,
            gpu: 1,
            llm: 4,
        }
    }
}

/// The shared part of every lane.
pub(crate) struct Lanes {
    cpu: Arc<Semaphore>,
    gpu: Arc<Semaphore>,
    llm: Arc<Semaphore>,
}

impl Lanes {
    pub fn new(limits: LaneLimits) -> Self {
        Self {
            cpu: Arc::new(Semaphore::new(limits.cpu)),
            gpu: Arc::new(Semaphore::new(limits.gpu)),
            llm: Arc::new(Semaphore::new(limits.llm)),
        }
    }

    /// The slots of one stage with room for `concurrency` runs.
    pub fn slots(&self, spec: &StageSpec, concurrency: usize) -> StageSlots {
        let lane = match spec.lane {
            Lane::Cpu => &self.cpu,
            Lane::Gpu => &self.gpu,
            Lane::Llm => &self.llm,
        };
        StageSlots {
            own: Arc::new(Semaphore::new(concurrency.min(1))),
            further: Arc::new(Semaphore::new(concurrency.saturating_sub(1))),
            lane: Arc::clone(lane),
        }
    }
}

/// Room for the runs of one stage.
pub(crate) struct StageSlots {
    own: Arc<Semaphore>,
    further: Arc<Semaphore>,
    lane: Arc<Semaphore>,
}

/// Room for one run; given back when dropped.
pub(crate) struct Slot {
    _permits: (OwnedSemaphorePermit, Option<OwnedSemaphorePermit>),
}

impl StageSlots {
    /// All the room there is right now.
    pub fn take_free(&self) -> Vec<Slot> {
        std::iter::from_fn(|| self.take_one()).collect()
    }

    fn take_one(&self) -> Option<Slot> {
        if let Ok(own) = Arc::clone(&self.own).try_acquire_owned() {
            return Some(Slot {
                _permits: (own, None),
            });
        }
        let further = Arc::clone(&self.further).try_acquire_owned().ok()?;
        let lane = Arc::clone(&self.lane).try_acquire_owned().ok()?;
        Some(Slot {
            _permits: (further, Some(lane)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: StageSpec = StageSpec {
        name: "any",
        after: &[],
        at_ingest: true,
        version: 1,
        lane: Lane::Cpu,
        concurrency: 3,
        lease_ms: 1,
        max_attempts: 1,
    };

    #[test]
    fn a_full_lane_still_leaves_every_stage_one_run() {
        let lanes = Lanes::new(LaneLimits {
            cpu: 2,
            gpu: 1,
            llm: 1,
        });
        let (first, second) = (lanes.slots(&SPEC, 3), lanes.slots(&SPEC, 3));
        let taken = first.take_free();
        assert_eq!(taken.len(), 3, "its own and the lane's two");
        assert_eq!(second.take_free().len(), 1, "its own");
        drop(taken);
        assert_eq!(second.take_free().len(), 3);
    }

    #[test]
    fn no_stage_runs_more_than_its_concurrency() {
        let lanes = Lanes::new(LaneLimits {
            cpu: 9,
            gpu: 1,
            llm: 1,
        });
        assert_eq!(lanes.slots(&SPEC, 3).take_free().len(), 3);
        assert_eq!(lanes.slots(&SPEC, 0).take_free().len(), 0);
    }
}
