//! Claims rows of every stage, runs them, and keeps their claims alive until they have ended.
//!
//! Wake-ups are hints: a store event makes a stage look at once, and a poll every second finds whatever no event told of.
//! So is the news of a cancelled row: only a heartbeat that the database refuses stops a run.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use model::{Clock, Random, Status};
use store::{Event, Pick, Store, StoreError};
use tokio::sync::{Mutex, Notify, broadcast, mpsc};
use tokio::task::{JoinError, JoinSet};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, warn};

use crate::ends::Ends;
use crate::feed::Feed;
use crate::lanes::Lanes;
use crate::running::Running;
use crate::tally::Tally;
use crate::writer::{Mailbox, Request, Writer};
use crate::{Graph, LaneLimits, Nobody, Observer, Stage};

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
            rescue: Duration::from_secs(4),
            grace: Duration::from_secs(5),
            history: Duration::from_secs(30 * 24 * 3600),
            observer: Arc::new(Nobody),
        }
    }
}

/// Runs the stages of a graph.
pub struct Runner {
    pub(crate) store: Store,
    pub(crate) graph: Graph,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) config: RunnerConfig,
    pub(crate) running: Arc<Running>,
    pub(crate) tally: Arc<Tally>,
    /// Told when a run's claim may be gone.
    pub(crate) doubt: Notify,
    /// Runs, and ends that are not committed yet.
    pub(crate) open: TaskTracker,
    /// Where claims are asked for and ends are handed in.
    pub(crate) mailbox: Mailbox,
    /// Told, for each stage, when a person may be waiting for it.
    pub(crate) express: HashMap<&'static str, Notify>,
    /// Cancelled when the grace period is over.
    pub(crate) kill: CancellationToken,
    requests: std::sync::Mutex<Option<mpsc::UnboundedReceiver<Request>>>,
    random: Arc<dyn Random>,
    lanes: Lanes,
    wakes: HashMap<&'static str, Notify>,
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
        let is_ours =
            |name: &str| config.stages.is_empty() || config.stages.iter().any(|s| s == name);
        let names = || {
            graph
                .specs()
                .map(|spec| spec.name)
                .filter(|name| is_ours(name))
        };
        let (mailbox, requests) = mpsc::unbounded_channel();
        Self {
            lanes: Lanes::new(config.lanes),
            wakes: names().map(|name| (name, Notify::new())).collect(),
            express: names().map(|name| (name, Notify::new())).collect(),
            store,
            graph,
            clock,
            random,
            config,
            running: Arc::default(),
            tally: Arc::default(),
            doubt: Notify::new(),
            open: TaskTracker::new(),
            mailbox,
            requests: std::sync::Mutex::new(Some(requests)),
            kill: CancellationToken::new(),
        }
    }

    /// Works until `stop`; then claims no more, lets running work go on for the grace period, and hands back the rest. A
    /// runner runs once. Dropping the future ends everything at once, as a crash would.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut helpers = JoinSet::new();
        let events = self.store.subscribe_to_work();
        helpers.spawn(Arc::clone(&self).listen(events));
        helpers.spawn(Arc::clone(&self).poll());
        helpers.spawn(Arc::clone(&self).keep_leases());
        helpers.spawn(Arc::clone(&self).prune());
        self.start_writers(&mut helpers);
        // Dropped with this future: what it runs ends as in a crash.
        let crash = self.kill.clone().drop_guard();
        let mut stages = JoinSet::new();
        for &name in self.wakes.keys() {
            if let Some(stage) = self.graph.stage(name) {
                self.start_stage(stage, &stop, &mut stages);
            }
        }
        stages.spawn(Arc::clone(&self).run_suspects(stop.clone()));
        stop.cancelled().await;
        self.finish(stages).await;
        crash.disarm();
        // Only now: claims are kept alive until the last run has ended.
        helpers.shutdown().await;
    }

    fn start_writers(self: &Arc<Self>, helpers: &mut JoinSet<()>) {
        let requests = self
            .requests
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take();
        let Some(requests) = requests else {
            error!("a runner runs once; make a new one");
            return;
        };
        let waker = Arc::downgrade(self);
        let writer = Arc::new(Writer {
            store: self.store.clone(),
            ends: Ends {
                graph: self.graph.clone(),
                clock: Arc::clone(&self.clock),
                random: Arc::clone(&self.random),
                worker: self.config.worker.clone(),
            },
            observer: Arc::clone(&self.config.observer),
            tally: Arc::clone(&self.tally),
            requests: Mutex::new(requests),
            mailbox: self.mailbox.clone(),
            ended: Box::new(move |stage| {
                if let Some(runner) = waker.upgrade() {
                    runner.wake(stage);
                }
            }),
        });
        for _ in 0..self.store.writers() {
            helpers.spawn(Arc::clone(&writer).run());
        }
    }

    fn start_stage(
        self: &Arc<Self>,
        stage: &Arc<dyn Stage>,
        stop: &CancellationToken,
        stages: &mut JoinSet<()>,
    ) {
        let spec = stage.spec();
        let concurrency = self
            .config
            .concurrency
            .get(spec.name)
            .copied()
            .unwrap_or(spec.concurrency);
        if concurrency == 0 {
            return;
        }
        let slots = Arc::new(self.lanes.slots(spec, concurrency));
        let express = Arc::clone(self).express(Arc::clone(stage), Arc::clone(&slots), stop.clone());
        // One accelerator does one thing at a time: there a person's work goes first, but waits for its turn.
        if spec.lane != model::Lane::Gpu {
            stages.spawn(express);
        }
        let feed = Feed::new(Arc::clone(self), Arc::clone(stage), slots, concurrency);
        stages.spawn(feed.run(stop.clone()));
    }

    /// Lets runs end by themselves for the grace period, then cancels what is left, which hands it back.
    async fn finish(&self, mut stages: JoinSet<()>) {
        let ended = async {
            all(&mut stages).await;
            self.open.close();
            self.open.wait().await;
        };
        tokio::pin!(ended);
        if timeout(self.config.grace, &mut ended).await.is_ok() {
            return;
        }
        self.kill.cancel();
        if timeout(HAND_BACK, ended).await.is_err() {
            warn!("some work did not stop; it is taken back when its lease is over");
        }
    }

    /// Runs rows that may be what killed their workers, one at a time: when this process dies again, it is known whose fault it is.
    async fn run_suspects(self: Arc<Self>, stop: CancellationToken) {
        while stop
            .run_until_cancelled(tokio::time::sleep(self.config.poll))
            .await
            .is_some()
        {
            while !stop.is_cancelled() && self.run_suspect_of_each().await {}
        }
    }

    /// One suspect of each stage that has any. Returns whether there was one.
    async fn run_suspect_of_each(&self) -> bool {
        let due = self.due(Pick::Suspect).await.unwrap_or_default();
        let mut found = false;
        for stage in due.iter().filter_map(|name| self.graph.stage(name)) {
            if self.config.concurrency.get(stage.spec().name) != Some(&0) {
                found |= self.run_one(stage, Pick::Suspect).await;
            }
        }
        found
    }

    /// Until something tells that there may be work for the stage.
    pub(crate) async fn woken(&self, stage: &str) {
        match self.wakes.get(stage) {
            Some(wake) => wake.notified().await,
            None => std::future::pending().await,
        }
    }

    /// How many runs go on or wait for their commit.
    pub(crate) fn open(&self) -> usize {
        self.open.len()
    }

    /// Wakes stages when this process commits something for them, or another tells of it.
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
                Ok(Event::Missed) | Err(broadcast::error::RecvError::Lagged(_)) => {
                    self.wakes.keys().for_each(|stage| self.wake(stage));
                    self.doubt.notify_one();
                }
                Ok(_) => {}
                Err(broadcast::error::RecvError::Closed) => return,
            }
        }
    }

    pub(crate) fn wake(&self, stage: &str) {
        for notify in [self.wakes.get(stage), self.express.get(stage)]
            .into_iter()
            .flatten()
        {
            notify.notify_one();
        }
    }

    /// Wakes the stages that have due rows, whoever enqueued them.
    async fn poll(self: Arc<Self>) {
        let mut failing = false;
        loop {
            tokio::time::sleep(self.config.poll).await;
            match self.due(Pick::Any).await {
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

    async fn due(&self, pick: Pick) -> Result<Vec<String>, StoreError> {
        let stages: Vec<_> = self.wakes.keys().copied().collect();
        let mut tx = self.store.read().await?;
        tx.due_stages(pick, &stages, self.clock.now()).await
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
        error!(%error, "part of the queue stopped; what it held is taken back when its lease is over");
    }
}
