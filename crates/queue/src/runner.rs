//! Claims rows and keeps them alive until their runs have ended.
//!
//! Wake-ups are hints: a store event makes a stage look at once, and a poll every second finds whatever no event told of.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::{Clock, QueueItem, QueueItemId, Random, Status, new_uuid};
use store::{Claim, Event, Heartbeat, Store, StoreError};
use tokio::sync::{Notify, broadcast};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::lanes::{Lanes, Slot, StageSlots};
use crate::worker::Worker;
use crate::{Graph, Job, LaneLimits, Stage};

/// How a runner works; the defaults are those of a server on one machine.
#[derive(Clone, Debug)]
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
        }
    }
}

/// Runs the stages of a graph.
pub struct Runner {
    worker: Worker,
    config: RunnerConfig,
    lanes: Lanes,
    running: Mutex<HashMap<QueueItemId, Running>>,
    wakes: HashMap<&'static str, Notify>,
    /// Told whenever a run has ended and its room is free.
    freed: Notify,
}

/// A run that goes on.
struct Running {
    job: Arc<Job>,
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
            },
            config,
            running: Mutex::default(),
            wakes,
            freed: Notify::new(),
        }
    }

    /// Works until `stop`; then claims no more, lets running work go on for the grace period, and hands back the rest.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let end = CancellationToken::new();
        let mut tasks = JoinSet::new();
        let events = self.worker.store.subscribe();
        tasks.spawn(Arc::clone(&self).listen(events, end.clone()));
        tasks.spawn(Arc::clone(&self).poll(end.clone()));
        tasks.spawn(Arc::clone(&self).heartbeat(end.clone()));
        tasks.spawn(Arc::clone(&self).rescue(end.clone()));
        tasks.spawn(Arc::clone(&self).prune(end.clone()));
        let mut stages = JoinSet::new();
        for &name in self.wakes.keys() {
            if let Some(stage) = self.worker.graph.stage(name) {
                stages.spawn(Arc::clone(&self).serve(Arc::clone(stage), stop.clone()));
            }
        }
        // Heartbeats go on until the last run has ended.
        while stages.join_next().await.is_some() {}
        end.cancel();
        while tasks.join_next().await.is_some() {}
    }

    /// Claims and starts runs of one stage until `stop`, then sees the running ones to their end.
    async fn serve(self: Arc<Self>, stage: Arc<dyn Stage>, stop: CancellationToken) {
        let spec = stage.spec();
        let concurrency = self.config.concurrency.get(spec.name);
        let slots = self
            .lanes
            .slots(spec, concurrency.copied().unwrap_or(spec.concurrency));
        let mut runs = JoinSet::new();
        while !stop.is_cancelled() {
            let more = self.start_runs(&stage, &slots, &mut runs, &stop).await;
            while runs.try_join_next().is_some() {}
            if !more {
                self.rest(spec.name, &stop).await;
            }
        }
        self.finish(runs).await;
    }

    /// Fills the free slots. Returns whether there may be more to claim at once.
    async fn start_runs(
        self: &Arc<Self>,
        stage: &Arc<dyn Stage>,
        slots: &StageSlots,
        runs: &mut JoinSet<()>,
        stop: &CancellationToken,
    ) -> bool {
        let mut free = slots.take_free();
        if free.is_empty() {
            return false;
        }
        let items = match self.claim(stage, free.len()).await {
            Ok(items) => items,
            Err(error) if error.is_conflict() => return true,
            Err(error) => {
                warn!(stage = stage.spec().name, %error, "cannot claim work; trying again");
                return false;
            }
        };
        let full = items.len() == free.len();
        for item in items {
            if let Some(slot) = free.pop() {
                let run = Arc::clone(self).run_one(Arc::clone(stage), item, slot, stop.clone());
                runs.spawn(run);
            }
        }
        full
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

    async fn run_one(
        self: Arc<Self>,
        stage: Arc<dyn Stage>,
        item: QueueItem,
        slot: Slot,
        stop: CancellationToken,
    ) {
        match self.worker.load(&item).await {
            Ok(Some(document)) => {
                let job = Arc::new(Job::new(document, item, CancellationToken::new()));
                self.running().insert(
                    job.item.id.clone(),
                    Running {
                        job: Arc::clone(&job),
                    },
                );
                self.worker.work(&*stage, &job, &stop).await;
                self.running().remove(&job.item.id);
            }
            Ok(None) => warn!(item = %item.id, "the document is gone; nothing to do"),
            Err(error) => {
                error!(item = %item.id, %error, "cannot read the document; giving the row back");
                self.worker.give_back(&item).await;
            }
        }
        drop(slot);
        self.freed.notify_waiters();
        if let Some(wake) = self.wakes.get(stage.spec().name) {
            wake.notify_one();
        }
    }

    /// Until there may be something to do for the stage.
    async fn rest(&self, stage: &str, stop: &CancellationToken) {
        let Some(wake) = self.wakes.get(stage) else {
            return;
        };
        tokio::select! {
            () = wake.notified() => {}
            () = self.freed.notified() => {}
            () = stop.cancelled() => {}
        }
    }

    /// Lets runs end by themselves for the grace period, then cancels what is left, which hands it back.
    async fn finish(&self, mut runs: JoinSet<()>) {
        let all = async { while runs.join_next().await.is_some() {} };
        if tokio::time::timeout(self.config.grace, all).await.is_ok() {
            return;
        }
        for entry in self.running().values() {
            entry.job.cancel.cancel();
        }
        while runs.join_next().await.is_some() {}
    }

    /// Wakes stages when this process commits something for them.
    async fn listen(
        self: Arc<Self>,
        mut events: broadcast::Receiver<Event>,
        end: CancellationToken,
    ) {
        loop {
            let event = tokio::select! {
                event = events.recv() => event,
                () = end.cancelled() => return,
            };
            match event {
                Ok(Event::Queue {
                    stage,
                    status: Status::Pending,
                    ..
                })
                | Ok(Event::Stage { stage }) => self.wake(&stage),
                Ok(Event::Queue {
                    id,
                    status: Status::Cancelled,
                    ..
                }) => self.stop_run(&id),
                Ok(_) => {}
                Err(broadcast::error::RecvError::Lagged(_)) => {
                    self.wakes.values().for_each(Notify::notify_one);
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

    fn stop_run(&self, id: &QueueItemId) {
        if let Some(entry) = self.running().get(id) {
            entry.job.cancel.cancel();
        }
    }

    /// Wakes the stages that have due rows, whoever enqueued them.
    async fn poll(self: Arc<Self>, end: CancellationToken) {
        let mut failing = false;
        while tick(self.config.poll, &end).await {
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

    /// Prolongs the claims of all runs and stops those whose claim is gone.
    async fn heartbeat(self: Arc<Self>, end: CancellationToken) {
        while tick(self.config.heartbeat, &end).await {
            let beats = self.beats();
            if beats.is_empty() {
                continue;
            }
            self.announce_progress();
            match self.send_beats(&beats).await {
                Ok(held) => {
                    for beat in beats.iter().filter(|beat| !held.contains(&beat.id)) {
                        self.stop_run(&beat.id);
                    }
                }
                Err(error) => warn!(%error, "cannot prolong claims; trying again"),
            }
        }
    }

    fn beats(&self) -> Vec<Heartbeat> {
        let beat = |entry: &Running| {
            Some(Heartbeat {
                id: entry.job.item.id.clone(),
                lease_id: entry.job.item.lease_id.clone()?,
                progress: entry.job.progress(),
            })
        };
        self.running().values().filter_map(beat).collect()
    }

    fn announce_progress(&self) {
        let jobs: Vec<_> = self
            .running()
            .values()
            .map(|entry| Arc::clone(&entry.job))
            .collect();
        for job in jobs {
            if let Some(progress) = job.progress() {
                self.worker.store.announce(Event::Queue {
                    id: job.item.id.clone(),
                    document_id: job.item.document_id.clone(),
                    stage: job.item.stage.clone(),
                    status: Status::Processing,
                    progress: Some(progress),
                });
            }
        }
    }

    async fn send_beats(&self, beats: &[Heartbeat]) -> Result<Vec<QueueItemId>, StoreError> {
        let lease_ms = self.worker.graph.specs().map(|spec| spec.lease_ms).max();
        let until = self.worker.clock.now().plus_ms(lease_ms.unwrap_or(0));
        let mut tx = self.worker.store.write().await?;
        let held = tx.heartbeat(beats, until).await?;
        tx.commit().await?;
        Ok(held)
    }

    /// Takes back what dead workers held.
    async fn rescue(self: Arc<Self>, end: CancellationToken) {
        loop {
            match self.rescue_once().await {
                Ok(0) => {}
                Ok(count) => info!(count, "took back work whose worker is gone"),
                Err(error) => warn!(%error, "cannot look for lost work; trying again"),
            }
            if !tick(self.config.rescue, &end).await {
                return;
            }
        }
    }

    async fn rescue_once(&self) -> Result<u64, StoreError> {
        let mut tx = self.worker.store.write().await?;
        let count = tx.rescue(self.worker.clock.now()).await?;
        if count > 0 {
            tx.commit().await?;
        }
        Ok(count)
    }

    /// Forgets old history once an hour.
    async fn prune(self: Arc<Self>, end: CancellationToken) {
        while tick(Duration::from_secs(3600), &end).await {
            if let Err(error) = self.prune_once().await {
                warn!(%error, "cannot prune the queue's history; trying again later");
            }
        }
    }

    async fn prune_once(&self) -> Result<(), StoreError> {
        let kept = i64::try_from(self.config.history.as_millis()).unwrap_or(i64::MAX);
        let before = self.worker.clock.now().plus_ms(-kept);
        let mut tx = self.worker.store.write().await?;
        tx.prune_history(before).await?;
        tx.commit().await
    }

    fn running(&self) -> MutexGuard<'_, HashMap<QueueItemId, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for `period`; `false` where it is time to end.
async fn tick(period: Duration, end: &CancellationToken) -> bool {
    tokio::select! {
        () = tokio::time::sleep(period) => true,
        () = end.cancelled() => false,
    }
}
