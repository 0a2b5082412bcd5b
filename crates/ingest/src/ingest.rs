//! The handle that everything hangs on.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::{Clock, Document, Random, Timestamp};
use store::Store;

use crate::content::Stamp;
use crate::names::DiskPath;
use crate::settle::Settling;
use crate::skip::SkipRules;
use crate::{FirstStages, IngestConfig, IngestError, IngestStatus};

/// Every way in. Cheap to clone.
#[derive(Clone)]
pub struct Ingest {
    pub(crate) shared: Arc<Shared>,
}

/// What all clones share.
pub(crate) struct Shared {
    pub(crate) config: IngestConfig,
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) first_stages: FirstStages,
    pub(crate) skip: SkipRules,
    pub(crate) found_by_scan: Settling,
    pub(crate) found_by_event: Settling,
    pub(crate) status: Mutex<IngestStatus>,
    pub(crate) complained: Mutex<HashMap<DiskPath, Stamp>>,
    in_work: Mutex<HashMap<DiskPath, i64>>,
}

impl fmt::Debug for Ingest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ingest")
            .field("config", &self.shared.config)
            .finish_non_exhaustive()
    }
}

impl Ingest {
    /// A handle on the library; touches nothing yet. `first_stages` tells which stages a document begins with; they are
    /// enqueued in the transaction that stores the document.
    ///
    /// # Errors
    /// An ignore pattern that cannot be read; a library path that cannot be made absolute.
    pub fn new(
        mut config: IngestConfig,
        store: Store,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        first_stages: FirstStages,
    ) -> Result<Self, IngestError> {
        config.library = std::path::absolute(&config.library)
            .map_err(|error| IngestError::io(&config.library, error))?;
        let skip = SkipRules::new(&config)?;
        Ok(Self {
            shared: Arc::new(Shared {
                config,
                store,
                clock,
                random,
                first_stages,
                skip,
                found_by_scan: Settling::default(),
                found_by_event: Settling::default(),
                status: Mutex::default(),
                complained: Mutex::default(),
                in_work: Mutex::default(),
            }),
        })
    }

    /// The library root, absolute.
    pub fn library(&self) -> &Path {
        &self.shared.config.library
    }

    /// The original of `document` on disk, in whatever normal form its name is there. Touches the disk; never leaves the
    /// library.
    ///
    /// # Errors
    /// `not_found` where there is none (a note has none), `invalid_name` where the path leads out of the library.
    pub fn resolve(&self, document: &Document) -> Result<PathBuf, IngestError> {
        crate::resolve::resolve_below(self.library(), document)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// Claims a path for one reader at a time; `None` while somebody else has it.
    pub(crate) fn begin(&self, disk: &DiskPath, size: i64) -> Option<InWork> {
        let mut in_work = lock(&self.shared.in_work);
        if in_work.contains_key(disk) {
            return None;
        }
        in_work.insert(disk.clone(), size);
        Some(InWork {
            shared: Arc::clone(&self.shared),
            disk: disk.clone(),
        })
    }

    /// Whether a file of that size waits or is being read: perhaps what vanished elsewhere.
    pub(crate) fn is_arriving(&self, size: i64) -> bool {
        self.shared.found_by_scan.has_size(size)
            || self.shared.found_by_event.has_size(size)
            || lock(&self.shared.in_work)
                .values()
                .any(|other| *other == size)
    }
}

/// A claim on a path, given up when dropped.
pub(crate) struct InWork {
    shared: Arc<Shared>,
    disk: DiskPath,
}

impl Drop for InWork {
    fn drop(&mut self) {
        lock(&self.shared.in_work).remove(&self.disk);
    }
}

/// What these locks guard is whole after every statement, so a panic elsewhere does not spoil it.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
