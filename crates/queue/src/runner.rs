//! Claims rows of every stage, runs them, and keeps their claims alive until they have ended.
//!
//! Wake-ups are hints: a store event makes a stage look at once, and a poll every second finds whatever no event told of.
//! So is the news of a cancelled row: only a heartbeat that the database refuses stops a run.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use model::{Clock, QueueItem, Random, Status, new_uuid};
use store::{Claim, Event, Store, StoreError};
use tokio::sync::{Notify, broadcast};
use tokio::task::{JoinError, JoinSet};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::lanes::{Lanes, Slot};
use crate::running::Running;
use crate::worker::Worker;
use crate::{Graph, Job, LaneLimits, Moment, Nobody, Observer, Stage};

/// How long work that was cancelled at the end of the grace period may take to be handed back. What is not back by then
/// (a stage that never yields, a database that does not answer) is taken back when its lease is over.
const HAND_BACK: Duration = Duration::from_secs(5);

/// How a runner works; the defaults are those of a server on one machine.
#[derive(Clone)]
pub struct RunnerConfig {
    /// Names this process in the rows it holds; no two processes at once may share it.
    pub worker: String,
    /// Only these stages; empty means all.
    pub stages: Vec<String>,
    /// How many runs of a stage at once, where it differs from what the stage says.
    pub concurrency: HashMap<String, usize>,
    /// Shared limits.
    pub lanes: LaneLimits,
    /// How often to look for due rows that no event told of.
    pub poll: Duration,
    /// How often claims are prolonged; a third of the shortest lease or less.
    pub heartbeat: Duration,
    /// How often to look for claims whose worker is gone.
    pub rescue: Duration,
    /// How long running work may go on after a stop before it is handed back.
    pub grace: Duration,
    /// How long ended rows are kept where newer ones exist.
    pub history: Duration,
    /// Who looks on.
    pub observer: Arc<dyn Observer>,
}

impl RunnerConfig {
    /// The defaults, under that name.
    pub fn new(worker: impl Into<String>) -> Self {
        Self {
            worker: worker.into(),
            stages: Vec::new(),
            concurrency: HashMap::new(),
            lanes: LaneLimits::default(),
            poll: Duration::from_secs(1),
            heartbeat: Duration::from_secs(2),
            rescue: Duration::from_secs(5),
            grace: Duration::from_secs(5),
            history: Duration::from_secs(30 * 24 * 3600),
            observer: Arc::new(Nobody),
        }
    }
}

/// Runs the stages of a graph.
pub struct Runner {
    pub(crate) worker: Worker,
    pub(crate) config: RunnerConfig,
    pub(crate) running: Arc<Running>,
    /// Told when a run's claim may be gone.
    pub(crate) doubt: Notify,
    lanes: Lanes,
    wakes: HashMap<&'static str, Notify>,
    /// Cancelled when the grace period is over.
    kill: CancellationToken,
}

impl Runner {
    /// A runner of `graph` on `store`.
    pub fn new(
        store: Store,
        graph: Graph,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        config: RunnerConfig,
    ) -> Self {
        let wakes = graph
            .specs()
            .filter(|spec| config.stages.is_empty() || config.stages.iter().any(|s| s == spec.name))
            .map(|spec| (spec.name, Notify::new()))
            .collect();
        Self {
            lanes: Lanes::new(config.lanes),
            worker: Worker {
                store,
                graph,
                clock,
                random,
                observer: Arc::clone(&config.observer),
            },
            config,
            running: Arc::default(),
            doubt: Notify::new(),
            wakes,
            kill: CancellationToken::new(),
        }
    }

    /// Works until `stop`; then claims no more, lets running work go on for the grace period, and hands back the rest. A
    /// runner runs once. Dropping the future ends everything at once, as a crash would.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut helpers = JoinSet::new();
        let events = self.worker.store.subscribe();
        helpers.spawn(Arc::clone(&self).listen(events));
        helpers.spawn(Arc::clone(&self).poll());
        helpers.spawn(Arc::clone(&self).keep_leases());
        helpers.spawn(Arc::clone(&self).prune());
        let mut stages = JoinSet::new();
        for &name in self.wakes.keys() {
            if let Some(stage) = self.worker.graph.stage(name) {
                stages.spawn(Arc::clone(&self).serve(Arc::clone(stage), stop.clone()));
            }
        }
        stop.cancelled().await;
        self.finish(stages).await;
        // Only now: claims are kept alive until the last run has ended.
        helpers.shutdown().await;
    }

    /// Lets runs end by themselves for the grace period, then cancels what is left, which hands it back.
    async fn finish(&self, mut stages: JoinSet<()>) {
        if timeout(self.config.grace, all(&mut stages)).await.is_ok() {
            return;
        }
        self.kill.cancel();
        if timeout(HAND_BACK, all(&mut stages)).await.is_err() {
            warn!("some work did not stop; it is taken back when its lease is over");
        }
    }

    /// Claims and starts runs of one stage until `stop`, then sees the running ones to their end.
    async fn serve(self: Arc<Self>, stage: Arc<dyn Stage>, stop: CancellationToken) {
        let spec = stage.spec();
        let Some(wake) = self.wakes.get(spec.name) else {
            return;
        };
        let concurrency = self.config.concurrency.get(spec.name);
        let slots = self
            .lanes
            .slots(spec, concurrency.copied().unwrap_or(spec.concurrency));
        let mut runs = JoinSet::new();
        while let Some(room) = stop.run_until_cancelled(slots.take()).await {
            let more = self.start_runs(&stage, room, &mut runs).await;
            while let Some(ended) = runs.try_join_next() {
                report(ended);
            }
            if !more {
                stop.run_until_cancelled(wake.notified()).await;
            }
        }
        all(&mut runs).await;
    }

    /// Fills the free slots. Returns whether there may be more to claim as soon as there is room.
    async fn start_runs(
        self: &Arc<Self>,
        stage: &Arc<dyn Stage>,
        mut room: Vec<Slot>,
        runs: &mut JoinSet<()>,
    ) -> bool {
        let items = match self.claim(stage, room.len()).await {
            Ok(items) => items,
            Err(error) if error.is_conflict() => return true,
            Err(error) => {
                warn!(stage = stage.spec().name, %error, "cannot claim work; trying again");
                return false;
            }
        };
        let claimed: Vec<_> = items.iter().map(|item| &item.id).collect();
        self.config.observer.at(Moment::Claimed, &claimed);
        for item in items {
            let Some(slot) = room.pop() else { break };
            runs.spawn(Arc::clone(self).run_one(Arc::clone(stage), item, slot));
        }
        room.is_empty()
    }

    async fn claim(
        &self,
        stage: &Arc<dyn Stage>,
        limit: usize,
    ) -> Result<Vec<QueueItem>, StoreError> {
        let spec = stage.spec();
        let now = self.worker.clock.now();
        let claim = Claim {
            stage: spec.name,
            worker: &self.config.worker,
            lease_id: &new_uuid(&*self.worker.clock, &*self.worker.random),
            lease_until: now.plus_ms(spec.lease_ms),
            limit: i64::try_from(limit).unwrap_or(i64::MAX),
        };
        let mut tx = self.worker.store.write().await?;
        let items = tx.claim(&claim, now).await?;
        if !items.is_empty() {
            tx.commit().await?;
        }
        Ok(items)
    }

    async fn run_one(self: Arc<Self>, stage: Arc<dyn Stage>, item: QueueItem, slot: Slot) {
        if let Some(document) = self.worker.load(stage.spec(), &item).await {
            let job = Arc::new(Job::new(document, item, self.kill.child_token()));
            let entry = self.running.enter(&job);
            self.worker.work(&*stage, &job, &self.kill).await;
            drop(entry);
        }
        drop(slot);
        // The same document may have been asked for once more meanwhile.
        self.wake(stage.spec().name);
    }

    /// Wakes stages when this process commits something for them.
    async fn listen(self: Arc<Self>, mut events: broadcast::Receiver<Event>) {
        loop {
            match events.recv().await {
                Ok(Event::Queue {
                    stage,
                    status: Status::Pending,
                    ..
                })
                | Ok(Event::Stage { stage }) => self.wake(&stage),
                Ok(Event::Queue {
                    status: Status::Cancelled,
                    ..
                }) => self.doubt.notify_one(),
                Ok(_) => {}
                Err(broadcast::error::RecvError::Lagged(_)) => {
                    self.wakes.values().for_each(Notify::notify_one);
                    self.doubt.notify_one();
                }
                Err(broadcast::error::RecvError::Closed) => return,
            }
        }
    }

    fn wake(&self, stage: &str) {
        if let Some(wake) = self.wakes.get(stage) {
            wake.notify_one();
        }
    }

    /// Wakes the stages that have due rows, whoever enqueued them.
    async fn poll(self: Arc<Self>) {
        let mut failing = false;
        loop {
            tokio::time::sleep(self.config.poll).await;
            match self.due_stages().await {
                Ok(stages) => {
                    stages.iter().for_each(|stage| self.wake(stage));
                    failing = false;
                }
                Err(error) if !failing => {
                    error!(%error, "cannot look for work; trying again");
                    failing = true;
                }
                Err(_) => {}
            }
        }
    }

    async fn due_stages(&self) -> Result<Vec<String>, StoreError> {
        let mut tx = self.worker.store.read().await?;
        tx.due_stages(self.worker.clock.now()).await
    }
}

/// Until every task has ended.
async fn all(tasks: &mut JoinSet<()>) {
    while let Some(ended) = tasks.join_next().await {
        report(ended);
    }
}

fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        error!(%error, "work ended without saying how; it is taken back when its lease is over");
    }
}
