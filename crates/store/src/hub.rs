//! Where every transaction reports: what it committed goes to the listeners, what went wrong is remembered for the next probe.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::postgres::PgConnectOptions;
use tokio::sync::broadcast;

use crate::listen::{Line, Outbox};
use crate::{Event, StoreError};

/// Events kept for a listener that is behind; past that it is told that it missed some.
const EVENT_BACKLOG: usize = 1024;

/// One per store. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Hub {
    listeners: broadcast::Sender<Event>,
    /// For other processes, where they can be told.
    outbox: Option<Arc<Outbox>>,
    /// Set when the database was in trouble since the last write that succeeded.
    doubtful: Arc<AtomicBool>,
}

impl Hub {
    pub fn new(has_others: bool) -> Self {
        let (listeners, _) = broadcast::channel(EVENT_BACKLOG);
        Self {
            listeners,
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
        self.listeners.subscribe()
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
        // No listener is no error.
        let _ = self.listeners.send(event);
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
