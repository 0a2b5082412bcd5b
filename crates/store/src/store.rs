//! Opens a database and hands out transactions.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast;

use crate::dialect::{self, Backend};
use crate::{Event, StoreError, Tx};

/// Events kept for a listener that is behind; past that it is told that it missed some.
const EVENT_BACKLOG: usize = 1024;

/// Limits of the database connections.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// Connections at once (SQLite: for reading; it writes through one more).
    pub read_connections: u32,
    /// How long to wait for a free connection.
    pub acquire_timeout: Duration,
    /// How long SQLite waits for another process's write.
    pub lock_timeout: Duration,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            read_connections: 8,
            acquire_timeout: Duration::from_secs(30),
            lock_timeout: Duration::from_secs(30),
        }
    }
}

/// A database. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    backend: Arc<dyn Backend>,
    events: broadcast::Sender<Event>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

impl Store {
    /// Opens `sqlite:PATH` or `postgres://…` and brings its schema up to date.
    ///
    /// # Errors
    /// An unknown kind of URL, a database that cannot be reached, a schema that cannot be migrated.
    pub async fn open(url: &str, options: &StoreOptions) -> Result<Self, StoreError> {
        let backend = Arc::from(dialect::open(url, options).await?);
        let (events, _) = broadcast::channel(EVENT_BACKLOG);
        Ok(Self { backend, events })
    }

    /// A transaction that reads one consistent state.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn read(&self) -> Result<Tx, StoreError> {
        Ok(Tx::new(
            self.backend.read().await?,
            self.backend.words(),
            self.events.clone(),
        ))
    }

    /// A transaction that may write; nothing of it lasts until [`Tx::commit`].
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn write(&self) -> Result<Tx, StoreError> {
        Ok(Tx::new(
            self.backend.write().await?,
            self.backend.words(),
            self.events.clone(),
        ))
    }

    /// Changes committed by this process from now on. A hint that may miss some; look at the database afterwards.
    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    /// Tells listeners of something that is kept nowhere, such as the progress of a run.
    pub fn announce(&self, event: Event) {
        // No listener is no error.
        let _ = self.events.send(event);
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.backend.close().await;
    }
}
