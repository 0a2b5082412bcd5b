//! Feeds one stage: claims rows, and starts their runs as there is room.
//!
//! Rows whose runs are so short that a claim would take longer than they do are claimed ahead, as many as are begun within
//! [`AHEAD`]. A stage whose runs take seconds holds no row that it does not run.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use model::{Document, DocumentId, QueueItem, Source, Timestamp};
use store::Pick;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::ends::{End, Ended};
use crate::lanes::{Slot, StageSlots};
use crate::running::Entry;
use crate::writer::{Claimed, FIRST_PAUSE, Request, Want};
use crate::{Job, Moment, Runner, Stage, StageError};

/// How much work is claimed ahead, in time.
const AHEAD: Duration = Duration::from_millis(25);
/// How many rows are claimed ahead at most.
const MOST_AHEAD: usize = 2_000;
/// Rows of one stage that are claimed and not committed yet, at most: while the database is away, ends pile up.
const MOST_OPEN: usize = 4_000;
/// Shortest time between two looks for a row that a person waits for while every slot is taken.
const EXPRESS: Duration = Duration::from_millis(100);

/// How long the runs of a stage take.
#[derive(Default)]
pub(crate) struct Pace(AtomicU64);

impl Pace {
    /// Counts a run in. A race loses one of two, which does no harm.
    fn note(&self, took: Duration) {
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1);
        let mean = match self.0.load(Ordering::Relaxed) {
            0 => took,
            mean => mean - mean / 8 + took / 8,
        };
        self.0.store(mean.max(1), Ordering::Relaxed);
    }

    /// How many rows to hold beyond those that run; none until the pace is known.
    fn ahead(&self, concurrency: usize) -> usize {
        match self.0.load(Ordering::Relaxed) {
            0 => 0,
            mean => {
                let each = AHEAD.as_micros() as u64 / mean;
                usize::try_from(each)
                    .unwrap_or(MOST_AHEAD)
                    .saturating_mul(concurrency)
                    .min(MOST_AHEAD)
            }
        }
    }
}

/// A claimed row on its way to its run.
pub(crate) struct Ready {
    job: Arc<Job>,
    entry: Entry,
}

/// One stage's way from the queue to its runs.
pub(crate) struct Feed {
    pub runner: Arc<Runner>,
    pub stage: Arc<dyn Stage>,
    pub slots: Arc<StageSlots>,
    pub concurrency: usize,
    pub pace: Arc<Pace>,
    ready: VecDeque<Ready>,
    asked: Option<(usize, oneshot::Receiver<Claimed>)>,
    /// Whether there may be more to claim.
    hungry: bool,
}

impl Feed {
    pub fn new(
        runner: Arc<Runner>,
        stage: Arc<dyn Stage>,
        slots: Arc<StageSlots>,
        concurrency: usize,
    ) -> Self {
        Self {
            runner,
            stage,
            slots,
            concurrency,
            pace: Arc::default(),
            ready: VecDeque::new(),
            asked: None,
            hungry: true,
        }
    }

    /// Claims and starts runs until `stop`; then gives back what has not begun.
    pub async fn run(mut self, stop: CancellationToken) {
        let slots = Arc::clone(&self.slots);
        while let Some(mut room) = stop.run_until_cancelled(slots.take()).await {
            // Room and stop may have come at once.
            if !stop.is_cancelled() {
                self.ask(room.len());
            }
            if self.ready.is_empty() || self.has_answer() {
                self.receive().await;
            }
            if stop.is_cancelled() {
                break;
            }
            if self.ready.is_empty() && !self.hungry {
                drop(room);
                if stop
                    .run_until_cancelled(self.runner.woken(self.stage.spec().name))
                    .await
                    .is_none()
                {
                    break;
                }
                self.hungry = true;
                continue;
            }
            while let (Some(ready), Some(slot)) = (self.take_ready(&room), room.pop()) {
                self.start(ready, Some(slot));
            }
        }
        self.give_back().await;
    }

    fn take_ready(&mut self, room: &[Slot]) -> Option<Ready> {
        if room.is_empty() {
            return None;
        }
        self.ready.pop_front()
    }

    /// Asks for as many rows as there is room for, and some ahead, unless enough are there or asked for.
    fn ask(&mut self, room: usize) {
        let ahead = self.pace.ahead(self.concurrency);
        let wanted = room + ahead;
        let open = MOST_OPEN.saturating_sub(self.runner.open());
        if !self.hungry
            || self.asked.is_some()
            || self.ready.len() >= room.max(ahead / 2 + 1)
            || open == 0
        {
            return;
        }
        let limit = (wanted - self.ready.len().min(wanted)).min(open).max(1);
        self.asked = Some((limit, self.runner.want(&*self.stage, limit, Pick::Any)));
    }

    fn has_answer(&self) -> bool {
        self.asked
            .as_ref()
            .is_some_and(|(_, reply)| !reply.is_empty())
    }

    /// Waits for the rows asked for.
    async fn receive(&mut self) {
        let Some((limit, reply)) = self.asked.take() else {
            self.hungry = false;
            return;
        };
        let items = match reply.await {
            Ok(Ok(items)) => items,
            Ok(Err(error)) if error.is_conflict() => return,
            Ok(Err(error)) => {
                warn!(stage = self.stage.spec().name, %error, "cannot claim work; trying again");
                Vec::new()
            }
            // The writer is gone, and so is this runner.
            Err(_) => Vec::new(),
        };
        self.hungry = items.len() >= limit;
        self.ready
            .extend(self.runner.prepare(&*self.stage, items).await);
    }

    fn start(&self, ready: Ready, slot: Option<Slot>) {
        let (runner, stage, pace) = (
            Arc::clone(&self.runner),
            Arc::clone(&self.stage),
            Arc::clone(&self.pace),
        );
        self.runner.open.spawn(async move {
            let (end, took) = runner.work(&*stage, &ready.job).await;
            pace.note(took);
            // There is room for the next while this one is committed.
            drop(slot);
            runner.settle(&*stage, ready, end, took);
        });
    }

    async fn give_back(mut self) {
        if self.asked.is_some() {
            self.receive().await;
        }
        for ready in self.ready.drain(..) {
            self.runner
                .settle(&*self.stage, ready, Some(End::HandBack), Duration::ZERO);
        }
    }
}

impl Runner {
    /// Asks the writer for rows.
    fn want(&self, stage: &dyn Stage, limit: usize, pick: Pick) -> oneshot::Receiver<Claimed> {
        let (reply, answer) = oneshot::channel();
        let spec = stage.spec();
        // Where nobody listens the answer says so.
        let _ = self.mailbox.send(Request::Claim(Want {
            spec,
            limit,
            pick,
            reply,
        }));
        answer
    }

    /// Reads the documents of claimed rows. Rows whose document is gone are left out; where the documents cannot be read
    /// the rows end with an error.
    async fn prepare(&self, stage: &dyn Stage, items: Vec<QueueItem>) -> Vec<Ready> {
        if items.is_empty() {
            return Vec::new();
        }
        let ids: Vec<_> = items.iter().map(|item| &item.id).collect();
        self.config.observer.at(Moment::Claimed, &ids);
        let read = self.read(stage, &items).await;
        let mut ready = Vec::with_capacity(items.len());
        for (item, document) in items.into_iter().zip(read) {
            match document {
                Ok(Some(document)) => ready.push(self.enter(document, item)),
                Ok(None) => info!(item = %item.id, "the document is gone; nothing to do"),
                Err(message) => {
                    // With the usual backoff: given back at once it would be claimed at once again.
                    let blank = blank(&item.document_id);
                    let ended = self.enter(blank, item);
                    let error = StageError::retry("database", message);
                    self.settle(stage, ended, Some(End::Failed(error)), Duration::ZERO);
                }
            }
        }
        ready
    }

    async fn read(
        &self,
        stage: &dyn Stage,
        items: &[QueueItem],
    ) -> Vec<Result<Option<Document>, String>> {
        if !stage.reads_document() {
            return items
                .iter()
                .map(|item| Ok(Some(blank(&item.document_id))))
                .collect();
        }
        let ids: Vec<_> = items.iter().map(|item| item.document_id.clone()).collect();
        let read = async { self.store.read().await?.documents_by_id(&ids).await }.await;
        match read {
            Ok(mut documents) => ids.iter().map(|id| Ok(documents.remove(id))).collect(),
            Err(error) => {
                let message = format!("cannot read the document: {error}");
                ids.iter().map(|_| Err(message.clone())).collect()
            }
        }
    }

    fn enter(&self, document: Document, item: QueueItem) -> Ready {
        let job = Arc::new(Job::new(document, item, self.kill.child_token()));
        let entry = self.running.enter(&job);
        Ready { job, entry }
    }

    async fn work(&self, stage: &dyn Stage, job: &Job) -> (Option<End>, Duration) {
        let begun = Instant::now();
        let end = crate::worker::run(stage, job, &self.kill).await;
        (end, begun.elapsed())
    }

    /// Hands the end of a run to the writer.
    fn settle(&self, stage: &dyn Stage, ready: Ready, end: Option<End>, took: Duration) {
        let Ready { job, entry } = ready;
        let Some(end) = end else {
            info!(item = %job.item.id, stage = job.item.stage, "the claim is gone; what the run had done is dropped");
            drop(entry);
            return self.wake(stage.spec().name);
        };
        self.config.observer.at(Moment::Worked, &[&job.item.id]);
        let ended = Ended {
            spec: stage.spec(),
            job,
            end,
            took,
            conflicts: 0,
            pause: FIRST_PAUSE,
            _entry: entry,
            _open: self.open.token(),
        };
        // Where nobody listens this runner has been dropped.
        let _ = self.mailbox.send(Request::End(Box::new(ended)));
    }

    /// Starts one row that a person waits for whenever every slot of the stage is taken: a bulk import does not make anybody wait.
    pub(crate) async fn express(
        self: Arc<Self>,
        stage: Arc<dyn Stage>,
        slots: Arc<StageSlots>,
        stop: CancellationToken,
    ) {
        let name = stage.spec().name;
        let Some(called) = self.express.get(name) else {
            return;
        };
        while stop.run_until_cancelled(called.notified()).await.is_some() {
            if !slots.is_full() {
                continue;
            }
            self.run_one(&stage, Pick::Person).await;
            if stop
                .run_until_cancelled(tokio::time::sleep(EXPRESS))
                .await
                .is_none()
            {
                return;
            }
        }
    }

    /// Claims one row and runs it to its end. Returns whether there was one.
    pub(crate) async fn run_one(&self, stage: &Arc<dyn Stage>, pick: Pick) -> bool {
        let Ok(Ok(items)) = self.want(&**stage, 1, pick).await else {
            return false;
        };
        let found = !items.is_empty();
        for ready in self.prepare(&**stage, items).await {
            let (end, took) = self.work(&**stage, &ready.job).await;
            self.settle(&**stage, ready, end, took);
        }
        found
    }
}

/// What a stage that reads no document is given.
fn blank(id: &DocumentId) -> Document {
    Document::blank(id.clone(), String::new(), Source::Watch, Timestamp(0))
}
