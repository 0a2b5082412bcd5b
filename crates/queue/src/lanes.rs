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
    /// Waits until there is room for a run, and takes all the room there is then. Those who wait for a lane get it in turn.
    pub async fn take(&self) -> Vec<Slot> {
        let mut taken = vec![self.next().await];
        taken.extend(std::iter::from_fn(|| self.try_next()));
        taken
    }

    /// Whether nothing of the stage can begin right now.
    pub fn is_full(&self) -> bool {
        self.own.available_permits() == 0
            && (self.further.available_permits() == 0 || self.lane.available_permits() == 0)
    }

    async fn next(&self) -> Slot {
        tokio::select! {
            biased;
            own = acquire(&self.own) => Slot { _permits: (own, None) },
            slot = self.next_further() => slot,
        }
    }

    async fn next_further(&self) -> Slot {
        let further = acquire(&self.further).await;
        let lane = acquire(&self.lane).await;
        Slot {
            _permits: (further, Some(lane)),
        }
    }

    fn try_next(&self) -> Option<Slot> {
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

async fn acquire(room: &Arc<Semaphore>) -> OwnedSemaphorePermit {
    match Arc::clone(room).acquire_owned().await {
        Ok(permit) => permit,
        // Only a closed semaphore refuses, and nobody closes these.
        Err(_) => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

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

    fn lanes(cpu: usize) -> Lanes {
        Lanes::new(LaneLimits {
            cpu,
            gpu: 1,
            llm: 1,
        })
    }

    #[tokio::test]
    async fn a_full_lane_still_leaves_every_stage_one_run() {
        let lanes = lanes(2);
        let (first, second) = (lanes.slots(&SPEC, 3), lanes.slots(&SPEC, 3));
        let taken = first.take().await;
        assert_eq!(taken.len(), 3, "its own and the lane's two");
        let own = second.take().await;
        assert_eq!(own.len(), 1, "its own");
        drop(taken);
        assert_eq!(second.take().await.len(), 2, "the lane's two");
    }

    #[tokio::test]
    async fn no_stage_runs_more_than_its_concurrency() {
        let lanes = lanes(9);
        let slots = lanes.slots(&SPEC, 3);
        let taken = slots.take().await;
        assert_eq!(taken.len(), 3);
        assert!(slots.take().now_or_never().is_none());
        let never = lanes.slots(&SPEC, 0);
        assert!(never.take().now_or_never().is_none());
    }

    #[tokio::test]
    async fn whoever_waits_for_a_lane_gets_it_in_turn() {
        let lanes = lanes(1);
        let (greedy, patient) = (lanes.slots(&SPEC, 3), lanes.slots(&SPEC, 3));
        let (held, own) = (greedy.take().await, patient.take().await);
        assert_eq!((held.len(), own.len()), (2, 1));
        let mut waiting = Box::pin(patient.take());
        assert!((&mut waiting).now_or_never().is_none());
        drop(held);
        assert_eq!(greedy.take().await.len(), 1, "the lane is promised");
        assert_eq!(waiting.await.len(), 1);
    }
}
