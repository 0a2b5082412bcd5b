//! Tells other processes on the same PostgreSQL what was committed here, and hears of what they commit: LISTEN and NOTIFY.
//!
//! A commit puts what others should know into an outbox; one task sends it on a connection of its own, so that no commit
//! waits for the lock under which PostgreSQL orders notifications, and many commits make one message. All of it is a hint:
//! what is lost with a connection or a process is found by the poll.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::{Category, DocumentId, QueueItemId, Status};
use serde::{Deserialize, Serialize};
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tracing::{debug, info, warn};

use crate::hub::Listeners;
use crate::{Event, StoreError};

/// The channel on which all processes of an archive talk.
const CHANNEL: &str = "seogo";
/// PostgreSQL takes messages shorter than 8,000 bytes.
const MESSAGE_BYTES: usize = 7_999;
/// Documents and rows that a message names one by one; of more it says that there are many.
const NAMED: usize = 60;
/// Between two messages, so that a bulk import costs the others 50 messages a second and not thousands.
const GAP: Duration = Duration::from_millis(20);
/// After so long a silence the connection is tried: a network that was cut says nothing.
const SILENCE: Duration = Duration::from_secs(20);
/// How long connecting and sending may take.
const ANSWER: Duration = Duration::from_secs(5);
/// How long the end may wait for the last message to be sent.
const FAREWELL: Duration = Duration::from_secs(1);
/// Waits before the connection is made anew: this long at first, doubled up to the other.
const FIRST_RETRY: Duration = Duration::from_millis(100);
const LAST_RETRY: Duration = Duration::from_secs(5);

/// What others should know, as JSON with short names. The names are a format between versions: only ever add to them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Letter {
    /// Stages that have work, or were paused or resumed.
    #[serde(rename = "s", default, skip_serializing_if = "BTreeSet::is_empty")]
    stages: BTreeSet<String>,
    /// Rows that were cancelled.
    #[serde(rename = "c", default, skip_serializing_if = "BTreeMap::is_empty")]
    cancelled: BTreeMap<QueueItemId, (DocumentId, String)>,
    /// Documents that changed.
    #[serde(rename = "d", default, skip_serializing_if = "BTreeMap::is_empty")]
    documents: BTreeMap<DocumentId, Option<Category>>,
    /// More than can be named.
    #[serde(rename = "m", default, skip_serializing_if = "std::ops::Not::not")]
    many: bool,
}

impl Letter {
    fn is_empty(&self) -> bool {
        !self.many
            && self.stages.is_empty()
            && self.cancelled.is_empty()
            && self.documents.is_empty()
    }

    /// Adds what other processes should know of the event. Claims and completions are nobody else's business.
    fn add(&mut self, event: &Event) {
        if self.many {
            return;
        }
        match event {
            Event::Document { id, category } => {
                self.documents.insert(id.clone(), *category);
            }
            Event::Queue {
                stage,
                status: Status::Pending,
                ..
            }
            | Event::Stage { stage } => {
                if !self.stages.contains(stage) {
                    self.stages.insert(stage.clone());
                }
            }
            Event::Queue {
                id,
                document_id,
                stage,
                status: Status::Cancelled,
                ..
            } => {
                let row = (document_id.clone(), stage.clone());
                self.cancelled.insert(id.clone(), row);
            }
            Event::Queue { .. } | Event::Missed => {}
        }
        if self.documents.len() + self.cancelled.len() > NAMED {
            *self = Self::many();
        }
    }

    fn many() -> Self {
        Self {
            many: true,
            ..Self::default()
        }
    }

    /// The message; where it is too long, the one that says *many*.
    fn message(&self) -> String {
        let text = json(self);
        if text.len() <= MESSAGE_BYTES {
            return text;
        }
        json(&Self::many())
    }

    fn into_events(self) -> Vec<Event> {
        let documents = self
            .documents
            .into_iter()
            .map(|(id, category)| Event::Document { id, category });
        let stages = self.stages.into_iter().map(|stage| Event::Stage { stage });
        let cancelled = self
            .cancelled
            .into_iter()
            .map(|(id, (document_id, stage))| Event::Queue {
                id,
                document_id,
                stage,
                status: Status::Cancelled,
                progress: None,
            });
        let many = self.many.then_some(Event::Missed);
        documents
            .chain(stages)
            .chain(cancelled)
            .chain(many)
            .collect()
    }
}

fn json(letter: &Letter) -> String {
    // Maps with text for keys: there is nothing in it that JSON cannot say.
    serde_json::to_string(letter).unwrap_or_default()
}

/// Where commits put what others should know.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    letter: Mutex<Letter>,
    filled: Notify,
}

impl Outbox {
    pub fn put(&self, events: &[Event]) {
        let mut letter = self.lock();
        events.iter().for_each(|event| letter.add(event));
        if !letter.is_empty() {
            self.filled.notify_one();
        }
    }

    fn take(&self) -> Option<Letter> {
        let letter = std::mem::take(&mut *self.lock());
        (!letter.is_empty()).then_some(letter)
    }

    /// What could not be sent: the next message says that there was more.
    fn lost(&self) {
        *self.lock() = Letter::many();
        self.filled.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Letter> {
        self.letter.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The line to the other processes; silent when dropped.
#[derive(Debug)]
pub(crate) struct Line {
    alive: Arc<AtomicBool>,
    stop: watch::Sender<bool>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Line {
    /// Listens and sends from now on, whether the database is there or not.
    pub fn open(options: PgConnectOptions, outbox: Arc<Outbox>, listeners: Listeners) -> Self {
        let alive = Arc::new(AtomicBool::new(false));
        let (stop, stopped) = watch::channel(false);
        let operator = Operator {
            options,
            outbox,
            listeners,
            alive: Arc::clone(&alive),
        };
        Self {
            alive,
            stop,
            task: Mutex::new(Some(tokio::spawn(operator.run(stopped)))),
        }
    }

    /// Whether other processes are heard at this moment.
    pub fn is_alive(&self) -> bool {
        self.alive.load(Ordering::Relaxed)
    }

    /// Sends what is left to be told, and ends.
    pub async fn close(&self) {
        self.stop.send_replace(true);
        let task = self
            .task
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(mut task) = task else { return };
        if timeout(FAREWELL, &mut task).await.is_err() {
            task.abort();
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let task = self.task.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = task.take() {
            task.abort();
        }
    }
}

/// Keeps the line.
struct Operator {
    options: PgConnectOptions,
    outbox: Arc<Outbox>,
    listeners: Listeners,
    alive: Arc<AtomicBool>,
}

impl Operator {
    async fn run(self, mut stopped: watch::Receiver<bool>) {
        let mut retry = FIRST_RETRY;
        let mut told = false;
        loop {
            let ended = match self.connect(&stopped).await {
                Ok(line) => {
                    if told {
                        info!("other processes on the database are heard again");
                    }
                    (retry, told) = (FIRST_RETRY, false);
                    self.talk(line, &mut stopped).await
                }
                Err(error) => Err(error),
            };
            self.alive.store(false, Ordering::Relaxed);
            let Err(error) = ended else { return };
            if !told && !*stopped.borrow() {
                warn!(%error, "other processes on the database are not heard; trying again");
                told = true;
            }
            tokio::select! {
                () = sleep(retry) => retry = (retry * 2).min(LAST_RETRY),
                () = is_set(&mut stopped) => return,
            }
        }
    }

    async fn connect(&self, stopped: &watch::Receiver<bool>) -> Result<PgListener, StoreError> {
        // A pool for each line: a dead one holds on to its place for as long as the network keeps it waiting.
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .idle_timeout(None)
            .acquire_timeout(ANSWER)
            .connect_lazy_with(self.options.clone());
        let mut line = in_time(PgListener::connect_with(&pool)).await?;
        line.eager_reconnect(false);
        // Who only came to say something needs no answers.
        if !*stopped.borrow() {
            in_time(line.listen(CHANNEL)).await?;
            self.alive.store(true, Ordering::Relaxed);
            self.tell(Event::Missed);
        }
        Ok(line)
    }

    /// Until a stop, after which nothing is left to be told, or until the connection breaks.
    async fn talk(
        &self,
        mut line: PgListener,
        stopped: &mut watch::Receiver<bool>,
    ) -> Result<(), StoreError> {
        let own = sqlx::query_scalar::<_, i32>("SELECT pg_backend_pid()");
        let own = in_time(own.fetch_one(&mut line)).await?;
        let mut free = Instant::now();
        loop {
            let stopping = *stopped.borrow();
            let may_send = stopping || free <= Instant::now();
            if let Some(letter) = may_send.then(|| self.outbox.take()).flatten() {
                self.send(&mut line, letter).await?;
                free = Instant::now() + GAP;
                continue;
            }
            if stopping {
                return Ok(());
            }
            let heard = tokio::select! {
                heard = timeout(SILENCE, line.try_recv()) => heard.map_err(|_| ()),
                () = self.outbox.filled.notified(), if may_send => continue,
                () = sleep_until(free), if !may_send => continue,
                () = is_set(stopped) => continue,
            };
            match heard {
                // What one says oneself is heard as well.
                Ok(Ok(Some(message))) if message.process_id().cast_signed() == own => {}
                Ok(Ok(Some(message))) => self.hear(message.payload()),
                Ok(Ok(None)) => return Err(broken().into()),
                Ok(Err(error)) => return Err(error.into()),
                Err(()) => ask(&mut line).await?,
            }
        }
    }

    async fn send(&self, line: &mut PgListener, letter: Letter) -> Result<(), StoreError> {
        let message = letter.message();
        let call = sqlx::query("SELECT pg_notify($1, $2)")
            .bind(CHANNEL)
            .bind(message)
            .execute(line);
        if let Err(error) = in_time(call).await {
            self.outbox.lost();
            return Err(error);
        }
        Ok(())
    }

    fn hear(&self, message: &str) {
        match serde_json::from_str::<Letter>(message) {
            Ok(letter) => letter
                .into_events()
                .into_iter()
                .for_each(|event| self.tell(event)),
            Err(error) => {
                debug!(%error, message, "another process said something that this version does not know");
                self.tell(Event::Missed);
            }
        }
    }

    fn tell(&self, event: Event) {
        // No listener is no error.
        self.listeners.send(event);
    }
}

/// Until the flag is set or nobody is left to set it.
async fn is_set(flag: &mut watch::Receiver<bool>) {
    let _ = flag.wait_for(|set| *set).await;
}

/// Whether the other end is still there.
async fn ask(line: &mut PgListener) -> Result<(), StoreError> {
    in_time(sqlx::query("SELECT 1").execute(line)).await?;
    Ok(())
}

async fn in_time<T>(call: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, StoreError> {
    match timeout(ANSWER, call).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(StoreError::NoAnswer(ANSWER)),
    }
}

fn broken() -> sqlx::Error {
    std::io::Error::from(std::io::ErrorKind::ConnectionAborted).into()
}
