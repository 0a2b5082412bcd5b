//! The system's events, boiled down to the paths to look at. They are hints: what is lost the next scan finds.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use notify::event::{AccessKind, AccessMode};
use notify::{Config, ErrorKind, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

use crate::WATCHED_FOLDERS;
use crate::ingest::lock;
use crate::network::is_network;
use crate::places::file_id;

/// Paths remembered at once; past that a scan looks at everything instead.
const MAX_HINTS: usize = 100_000;

/// What events have told and nobody has looked at yet.
#[derive(Debug, Default)]
pub(crate) struct Hints {
    paths: Mutex<HashSet<PathBuf>>,
    scan: AtomicBool,
    wake: Notify,
}

impl Hints {
    /// Waits until there is something.
    pub(crate) async fn wait(&self) {
        self.wake.notified().await;
    }

    /// All paths told so far, and whether a scan is due since events were lost.
    pub(crate) fn take(&self) -> (HashSet<PathBuf>, bool) {
        let paths = std::mem::take(&mut *lock(&self.paths));
        (paths, self.scan.swap(false, Ordering::SeqCst))
    }

    fn hear(&self, event: notify::Result<Event>) {
        match event {
            Ok(event) if event.need_rescan() => self.scan.store(true, Ordering::SeqCst),
            Ok(event) if !is_change(event.kind) => return,
            Ok(event) => self.remember(event.paths),
            Err(error) => {
                tracing::warn!("{}", in_words(&error));
                self.scan.store(true, Ordering::SeqCst);
            }
        }
        self.wake.notify_one();
    }

    fn remember(&self, told: Vec<PathBuf>) {
        let mut paths = lock(&self.paths);
        if paths.len() < MAX_HINTS {
            paths.extend(told);
        } else {
            self.scan.store(true, Ordering::SeqCst);
        }
    }
}

/// Reading is no change; our own hashing would wake us for ever.
fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}

/// The folders that are watched, each with the identity it had when the watch began.
pub(crate) struct Watches {
    watcher: RecommendedWatcher,
    watched: HashMap<&'static str, (u64, u64)>,
}

impl Watches {
    /// Watches what can be watched below `library`; `None` where events are of no use, which is logged.
    pub(crate) fn begin(library: &Path, hints: Arc<Hints>) -> Option<Self> {
        if WATCHED_FOLDERS
            .iter()
            .any(|folder| is_network(&library.join(folder)))
        {
            tracing::info!(
                "the library lies on a network file system, which tells of no changes; it is looked through regularly"
            );
            return None;
        }
        let config = Config::default().with_follow_symlinks(false);
        match RecommendedWatcher::new(move |event| hints.hear(event), config) {
            Ok(watcher) => {
                let mut watches = Self {
                    watcher,
                    watched: HashMap::new(),
                };
                watches.refresh(library);
                Some(watches)
            }
            Err(error) => {
                tracing::warn!("{}", in_words(&error));
                None
            }
        }
    }

    /// Watches folders that were mounted, made or replaced since; a watch stays with the folder it was put on.
    pub(crate) fn refresh(&mut self, library: &Path) {
        for folder in WATCHED_FOLDERS {
            let path = library.join(folder);
            let id = file_id(&path);
            if id.as_ref() == self.watched.get(folder) {
                continue;
            }
            if self.watched.remove(folder).is_some() {
                // The folder it was on is gone, and the watch with it.
                let _ = self.watcher.unwatch(&path);
            }
            let Some(id) = id else { continue };
            match self.watcher.watch(&path, RecursiveMode::Recursive) {
                Ok(()) => {
                    self.watched.insert(folder, id);
                }
                Err(error) => tracing::warn!("{}", in_words(&error)),
            }
        }
    }

    /// Whether every folder is watched.
    pub(crate) fn is_complete(&self) -> bool {
        self.watched.len() == WATCHED_FOLDERS.len()
    }
}

/// What is wrong with watching, and what mends it.
fn in_words(error: &notify::Error) -> String {
    let (limit, value) = match &error.kind {
        ErrorKind::MaxFilesWatch => ("fs.inotify.max_user_watches", 1_048_576),
        ErrorKind::Io(cause)
            if cause.raw_os_error() == Some(rustix::io::Errno::MFILE.raw_os_error()) =>
        {
            ("fs.inotify.max_user_instances", 1_024)
        }
        ErrorKind::Io(cause)
            if cause.raw_os_error() == Some(rustix::io::Errno::NOSPC.raw_os_error()) =>
        {
            ("fs.inotify.max_user_watches", 1_048_576)
        }
        _ => {
            return format!(
                "watching the library failed ({error}); it is looked through regularly instead"
            );
        }
    };
    format!(
        "the system's limit {limit} is reached, so new files are found by the regular scan alone; raise it with \
         `sudo sysctl {limit}={value}`, and keep it with a line in /etc/sysctl.d/seogo.conf"
    )
}

#[cfg(test)]
mod tests {
    use notify::event::{CreateKind, Flag};

    use super::*;

    #[test]
    fn reading_a_file_is_no_change_and_closing_after_writing_is() {
        assert!(!is_change(EventKind::Access(AccessKind::Open(
            AccessMode::Any
        ))));
        assert!(!is_change(EventKind::Access(AccessKind::Close(
            AccessMode::Read
        ))));
        assert!(is_change(EventKind::Access(AccessKind::Close(
            AccessMode::Write
        ))));
        assert!(is_change(EventKind::Create(CreateKind::File)));
    }

    #[test]
    fn lost_events_ask_for_a_scan() {
        let hints = Hints::default();
        hints.hear(Ok(Event::new(EventKind::Other).set_flag(Flag::Rescan)));
        assert_eq!(hints.take(), (HashSet::new(), true));
        assert_eq!(hints.take(), (HashSet::new(), false));
    }

    #[test]
    fn a_limit_of_the_system_is_named_with_the_command_that_raises_it() {
        let full = in_words(&notify::Error::new(ErrorKind::MaxFilesWatch));
        assert!(
            full.contains("sudo sysctl fs.inotify.max_user_watches="),
            "{full}"
        );
        let cause = std::io::Error::from(rustix::io::Errno::MFILE);
        let many = in_words(&notify::Error::io(cause));
        assert!(
            many.contains("sudo sysctl fs.inotify.max_user_instances="),
            "{many}"
        );
    }
}
