//! Where every transaction reports: what it committed goes to the listeners, what went wrong is remembered for the next probe.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::postgres::PgConnectOptions;
use tokio::sync::broadcast;

use crate::listen::{Line, Outbox};
use crate::{Event, StoreError};

/// Events kept for a listener that is behind; past that it is told that it missed some.
const EVENT_BACKLOG: usize = 1024;

/// Those who listen in this process.
#[derive(Clone)]
pub(crate) struct Listeners {
    all: broadcast::Sender<Event>,
    /// Those who only want to know of work to do: they are always there, and need not hear of every row that is done.
    work: broadcast::Sender<Event>,
}

impl Listeners {
    fn new() -> Self {
        Self {
            all: broadcast::Sender::new(EVENT_BACKLOG),
            work: broadcast::Sender::new(EVENT_BACKLOG),
        }
    }

    /// Tells everybody whom it concerns. No listener is no error.
    pub fn send(&self, event: Event) {
        if event.is_work() {
            let _ = self.work.send(event.clone());
        }
        let _ = self.all.send(event);
    }
}

/// One per store. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Hub {
    listeners: Listeners,
    /// For other processes, where they can be told.
    outbox: Option<Arc<Outbox>>,
    /// Set when the database was in trouble since the last write that succeeded.
    doubtful: Arc<AtomicBool>,
}

impl Hub {
    pub fn new(has_others: bool) -> Self {
        Self {
            listeners: Listeners::new(),
            outbox: has_others.then(Arc::default),
            doubtful: Arc::default(),
        }
    }

    /// The line on which the outbox is sent.
    pub fn line(&self, connect: PgConnectOptions) -> Option<Line> {
        let outbox = self.outbox.clone()?;
        Some(Line::open(connect, outbox, self.listeners.clone()))
    }

    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.listeners.all.subscribe()
    }

    /// Only of work to do: rows that became pending or were cancelled, stages, and that something was missed.
    pub fn subscribe_to_work(&self) -> broadcast::Receiver<Event> {
        self.listeners.work.subscribe()
    }

    /// Whether anybody hears of rows that are begun and done.
    pub fn is_watched(&self) -> bool {
        self.listeners.all.receiver_count() > 0
    }

    /// Tells of what a commit changed.
    pub fn committed(&self, events: Vec<Event>) {
        if events.is_empty() {
            return;
        }
        self.well();
        if let Some(outbox) = &self.outbox {
            outbox.put(&events);
        }
        events.into_iter().for_each(|event| self.announce(event));
    }

    /// Tells the listeners of this process.
    pub fn announce(&self, event: Event) {
        self.listeners.send(event);
    }

    /// Passes an answer of the database on, and remembers that it was in trouble.
    pub fn mind<T>(&self, answer: Result<T, StoreError>) -> Result<T, StoreError> {
        if let Err(error) = &answer
            && error.trouble().is_some()
        {
            self.doubtful.store(true, Ordering::Relaxed);
        }
        answer
    }

    /// A write succeeded.
    pub fn well(&self) {
        self.doubtful.store(false, Ordering::Relaxed);
    }

    pub fn is_doubtful(&self) -> bool {
        self.doubtful.load(Ordering::Relaxed)
    }
}
