//! Opens a database and hands out transactions.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast;
use tokio::time::timeout;

use crate::dialect::{self, Backend, Connection};
use crate::hub::Hub;
use crate::listen::Line;
use crate::{Event, StoreError, Trouble, Tx};

/// What a probe that writes writes: more than what is left of a page or of a log, so that it needs room on the disk.
const PROBE_KEY: &str = "write_probe";
const PROBE_BYTES: usize = 64 * 1024;

/// Limits of the database connections.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// Connections at once (SQLite: for reading; it writes through one more).
    pub read_connections: u32,
    /// How long to wait for a free connection.
    pub acquire_timeout: Duration,
    /// How long SQLite waits for another process's write.
    pub lock_timeout: Duration,
    /// So many pages of 4 KiB at most in a SQLite file; what needs more is told that the disk is full.
    pub max_pages: Option<u32>,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            read_connections: 8,
            acquire_timeout: Duration::from_secs(10),
            lock_timeout: Duration::from_secs(10),
            max_pages: None,
        }
    }
}

/// A database. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
    /// How long the caller has for the beginning of a transaction, where that is less than the options say.
    patience: Option<Duration>,
}

struct Shared {
    backend: Box<dyn Backend>,
    hub: Hub,
    /// To other processes, where the database has one.
    line: Option<Line>,
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
        let backend = dialect::open(url, options).await?;
        let channel = backend.channel();
        let hub = Hub::new(channel.is_some());
        let line = channel.and_then(|connect| hub.line(connect));
        Ok(Self {
            shared: Arc::new(Shared { backend, hub, line }),
            patience: None,
        })
    }

    /// The same database for callers that rather hear of an outage within `patience` than wait for its end.
    #[must_use]
    pub fn with_patience(&self, patience: Duration) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            patience: Some(patience),
        }
    }

    /// A transaction that reads one consistent state.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn read(&self) -> Result<Tx, StoreError> {
        self.begin(self.shared.backend.read()).await
    }

    /// A transaction that may write; nothing of it lasts until [`Tx::commit`].
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn write(&self) -> Result<Tx, StoreError> {
        self.begin(self.shared.backend.write()).await
    }

    async fn begin(
        &self,
        begin: impl Future<Output = Result<Box<dyn Connection>, StoreError>>,
    ) -> Result<Tx, StoreError> {
        let begun = match self.patience {
            Some(patience) => in_time(patience, begin).await,
            None => begin.await,
        };
        let shared = &self.shared;
        let connection = shared.hub.mind(begun)?;
        Ok(Tx::new(
            connection,
            shared.backend.words(),
            shared.hub.clone(),
        ))
    }

    /// Whether the database does its work at this moment, found out within `patience` and a little: a read, and where
    /// something went wrong lately a write as well.
    ///
    /// # Errors
    /// It does not; [`StoreError::trouble`] says why, as precisely as another try to connect can tell.
    pub async fn probe(&self, patience: Duration) -> Result<(), StoreError> {
        let Err(error) = in_time(patience, self.try_to_read()).await else {
            return self.probe_writing(patience).await;
        };
        if error.trouble() != Some(Trouble::Silent) {
            return Err(error);
        }
        // No connection in time: for want of a database, or because all are in use?
        match in_time(patience, self.shared.backend.try_connect()).await {
            Err(cause) if cause.trouble().is_some() => Err(cause),
            _ => Err(error),
        }
    }

    async fn probe_writing(&self, patience: Duration) -> Result<(), StoreError> {
        if !self.shared.hub.is_doubtful() {
            return Ok(());
        }
        match in_time(patience, self.try_to_write()).await {
            // It answers those who read, so it is there: somebody holds the lock.
            Err(StoreError::NoAnswer(time)) => Err(StoreError::Locked(time)),
            written => written,
        }
    }

    async fn try_to_read(&self) -> Result<(), StoreError> {
        self.read().await?.latest_change().await?;
        Ok(())
    }

    async fn try_to_write(&self) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        tx.set_meta(PROBE_KEY, &".".repeat(PROBE_BYTES)).await?;
        tx.commit().await?;
        self.shared.hub.well();
        Ok(())
    }

    /// Changes from now on: those that this process commits, and on PostgreSQL some of what others commit. A hint that may
    /// miss some; look at the database afterwards.
    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.shared.hub.subscribe()
    }

    /// As [`Store::subscribe`], but only of work to do: rows that became pending or were cancelled, and stages.
    pub fn subscribe_to_work(&self) -> broadcast::Receiver<Event> {
        self.shared.hub.subscribe_to_work()
    }

    /// Whether [`Store::subscribe`] tells at this moment of what other processes commit, too. While it does, a poll is only
    /// for what a broken connection lost, and may be slow. Never on SQLite.
    pub fn hears_others(&self) -> bool {
        self.shared.line.as_ref().is_some_and(Line::is_alive)
    }

    /// Has the database count its rows anew, for better plans.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn analyze(&self) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        tx.analyze().await?;
        tx.commit().await
    }

    /// Has the database move its log into its files, as it does by itself now and then.
    ///
    /// # Errors
    /// The database cannot be reached, or does not allow it.
    pub async fn checkpoint(&self) -> Result<(), StoreError> {
        self.shared.backend.checkpoint().await
    }

    /// How many transactions that write are worth having at once.
    pub fn writers(&self) -> usize {
        self.shared.backend.words().writers
    }

    /// Tells this process's listeners of something that is kept nowhere, such as the progress of a run.
    pub fn announce(&self, event: Event) {
        self.shared.hub.announce(event);
    }

    /// Tells others what is left to be told, and closes all connections.
    pub async fn close(&self) {
        if let Some(line) = &self.shared.line {
            line.close().await;
        }
        self.shared.backend.close().await;
    }
}

async fn in_time<T>(
    patience: Duration,
    call: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    match timeout(patience, call).await {
        Ok(answer) => answer,
        Err(_) => Err(StoreError::NoAnswer(patience)),
    }
}
