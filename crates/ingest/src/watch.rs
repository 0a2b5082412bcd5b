//! Watches the library for as long as the server runs: by events where there are any, and always by scans.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use model::Timestamp;
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::config::NETWORK_SCAN_INTERVAL;
use crate::content::{Stamp, blocking};
use crate::events::{Hints, Watches};
use crate::ingest::lock;
use crate::names::DiskPath;
use crate::scan::is_same;
use crate::settle::millis;
use crate::{FoundFile, Ingest, IngestError, ScanReport, WATCHED_FOLDERS};

/// How much longer than the settling time a vanished path is kept in mind, so that what it was moved to is read before.
const GONE_FACTOR: u32 = 2;

/// Shortest wait between two looks at what settles, so that a clock that stands still costs nothing.
const SHORTEST_WAIT: Duration = Duration::from_millis(10);

/// How long a loop rests after the database has failed it.
const TROUBLE_PAUSE: Duration = Duration::from_secs(5);

/// Files read at once of those that events told of.
const READERS: usize = 4;

/// What the loops of one watch share.
#[derive(Default)]
struct Watch {
    hints: Arc<Hints>,
    scan_now: Notify,
    /// Told when the database did not take something that was found: only a scan finds it again.
    troubled: Notify,
    found: Notify,
    vanished: Notify,
    /// Paths that events told of and that are not there, with the time when that was seen.
    gone: Mutex<HashMap<DiskPath, Timestamp>>,
}

impl Ingest {
    /// Takes in what comes into the watched folders until `cancel`: events tell where to look, a scan looks at everything at
    /// the start and then regularly. Troubles are logged, told by [`Ingest::status`], and outlived.
    pub async fn watch(&self, cancel: CancellationToken) {
        let watch = Watch::default();
        if let Err(error) = self.prepare().await {
            tracing::warn!("{error}");
        }
        let watches = self.begin_watches(&watch).await;
        let interval = self.scan_interval(watches.is_some());
        let loops = async {
            let scans = self.scan_loop(&watch, interval);
            match watches {
                Some(watches) => {
                    let events = self.event_loop(&watch, watches, interval);
                    tokio::join!(
                        scans,
                        events,
                        self.settle_loop(&watch),
                        self.gone_loop(&watch)
                    );
                }
                None => scans.await,
            }
        };
        tokio::select! {
            () = cancel.cancelled() => {}
            () = loops => {}
        }
        lock(&self.shared.status).by_events = false;
    }

    async fn begin_watches(&self, watch: &Watch) -> Option<Watches> {
        let (library, hints) = (self.library().to_owned(), Arc::clone(&watch.hints));
        let watches = blocking(move || Watches::begin(&library, hints)).await;
        lock(&self.shared.status).by_events = watches.as_ref().is_some_and(Watches::is_complete);
        watches
    }

    fn scan_interval(&self, by_events: bool) -> Duration {
        let set = self.shared.config.scan_interval;
        if by_events {
            set
        } else {
            set.min(NETWORK_SCAN_INTERVAL)
        }
    }

    async fn scan_loop(&self, watch: &Watch, interval: Duration) {
        loop {
            match self.scan().await {
                Ok(report) => log_scan(&report),
                Err(error) => outlive(watch, Err(error)).await,
            }
            let next_scan = Instant::now() + interval;
            while self.between_scans(watch, next_scan).await {}
        }
    }

    /// Waits for what settles and takes it in; `false` when the next scan is due.
    async fn between_scans(&self, watch: &Watch, next_scan: Instant) -> bool {
        let settling = &self.shared.found_by_scan;
        let settled = wait_for(settling.next_due_in(self.now(), self.shared.config.settle));
        tokio::select! {
            () = tokio::time::sleep_until(next_scan) => false,
            () = watch.scan_now.notified() => false,
            () = watch.troubled.notified() => {
                tokio::time::sleep(TROUBLE_PAUSE).await;
                false
            }
            () = settled => {
                outlive(watch, self.take_settled(settling).await.map(|report| log_scan(&report))).await;
                true
            }
        }
    }

    async fn event_loop(&self, watch: &Watch, mut watches: Watches, interval: Duration) {
        let mut refresh = tokio::time::interval(interval.max(SHORTEST_WAIT));
        loop {
            tokio::select! {
                () = watch.hints.wait() => outlive(watch, self.follow_hints(watch).await).await,
                _ = refresh.tick() => watches = self.refresh(watches).await,
            }
        }
    }

    /// Takes in what events told of, several at once, so that a small file does not wait for a large one to be read.
    async fn settle_loop(&self, watch: &Watch) {
        let settling = &self.shared.found_by_event;
        let readers = Semaphore::new(READERS);
        let mut running = FuturesUnordered::new();
        loop {
            let settled = wait_for(settling.next_due_in(self.now(), self.shared.config.settle));
            tokio::select! {
                () = settled => running.extend(self.settled_files(settling).into_iter().map(|file| self.take_one(file, &readers))),
                () = watch.found.notified() => {}
                Some(outcome) = running.next(), if !running.is_empty() => {
                    // No pause: the others stand still meanwhile, with what they have locked.
                    report(watch, outcome);
                }
            }
        }
    }

    async fn take_one(&self, file: FoundFile, readers: &Semaphore) -> Result<(), IngestError> {
        let _turn = readers.acquire().await;
        let mut report = ScanReport::default();
        self.take_found(file, &self.shared.found_by_event, &mut report)
            .await?;
        log_scan(&report);
        Ok(())
    }

    async fn gone_loop(&self, watch: &Watch) {
        loop {
            let vanished =
                wait_for(watch.next_gone_in(self.now(), self.shared.config.settle * GONE_FACTOR));
            tokio::select! {
                () = vanished => outlive(watch, self.forget_gone(watch).await).await,
                () = watch.vanished.notified() => {}
            }
        }
    }

    async fn refresh(&self, mut watches: Watches) -> Watches {
        let library = self.library().to_owned();
        let watches = blocking(move || {
            watches.refresh(&library);
            watches
        })
        .await;
        lock(&self.shared.status).by_events = watches.is_complete();
        watches
    }

    async fn follow_hints(&self, watch: &Watch) -> Result<(), IngestError> {
        let (paths, scan) = watch.hints.take();
        if scan {
            watch.scan_now.notify_one();
        }
        for path in paths {
            self.look(watch, path).await?;
        }
        Ok(())
    }

    /// Looks at a path that an event told of: a file waits to settle, a folder's files do, and what is gone is kept in mind.
    async fn look(&self, watch: &Watch, path: PathBuf) -> Result<(), IngestError> {
        let Some(disk) = DiskPath::below(self.library(), &path) else {
            return Ok(());
        };
        if is_watched_folder(&disk) || self.shared.skip.skips_any_part(&disk) {
            return Ok(());
        }
        match blocking(move || std::fs::symlink_metadata(path)).await {
            Ok(metadata) if metadata.is_file() => {
                self.look_at_file(watch, Stamp::of(&metadata).found(disk))
                    .await?
            }
            Ok(metadata) if metadata.is_dir() => {
                for file in self.walk(disk).await.files {
                    self.look_at_file(watch, file).await?;
                }
            }
            Ok(_) => {}
            Err(error) if crate::resolve::is_absent(&error) => {
                self.shared.found_by_event.drop_path(&disk);
                lock(&watch.gone).insert(disk, self.now());
                watch.vanished.notify_one();
            }
            // The scan tells of it.
            Err(_) => {}
        }
        Ok(())
    }

    async fn look_at_file(&self, watch: &Watch, file: FoundFile) -> Result<(), IngestError> {
        if !self.is_known(&file).await? {
            self.shared.found_by_event.wait_again(&file, self.now());
            watch.found.notify_one();
        }
        Ok(())
    }

    async fn is_known(&self, file: &FoundFile) -> Result<bool, IngestError> {
        let mut tx = self.shared.store.read().await?;
        let path = self.stored_path(&mut tx, &file.disk).await?;
        let row = tx.file(&path).await?;
        Ok(row.is_some_and(|row| DiskPath::of_known(&row) == file.disk && is_same(&row, file)))
    }

    /// Forgets what events said is gone and what has not turned up elsewhere meanwhile.
    async fn forget_gone(&self, watch: &Watch) -> Result<(), IngestError> {
        let wait = self.shared.config.settle * GONE_FACTOR;
        for disk in watch.take_gone(self.now(), wait) {
            // Where the watched folder itself is away, nothing below it is known to be gone.
            if !watched_folder_of(&disk).is_some_and(|folder| self.library().join(folder).is_dir())
            {
                continue;
            }
            self.forget_at(&disk).await?;
        }
        Ok(())
    }

    /// Forgets the file at that path, or all files below it, that are not there any more.
    async fn forget_at(&self, disk: &DiskPath) -> Result<(), IngestError> {
        let mut tx = self.shared.store.read().await?;
        let path = self.stored_path(&mut tx, disk).await?;
        let mut rows: Vec<_> = tx.file(&path).await?.into_iter().collect();
        let below = format!("{}/", disk.stored());
        // A folder with more than a scan reads at once is left to the scan.
        rows.extend(tx.files_below(&below, "", crate::scan::KNOWN_PAGE).await?);
        drop(tx);
        for row in rows {
            if self.is_gone(&DiskPath::of_known(&row))
                && !self.is_arriving(row.size)
                && self.forget(&row).await?
            {
                tracing::info!(path = row.path, "the file is gone");
            }
        }
        Ok(())
    }
}

impl Watch {
    fn next_gone_in(&self, now: Timestamp, wait: Duration) -> Option<Duration> {
        let first = lock(&self.gone).values().copied().min()?;
        let left = first.plus_ms(millis(wait)).ms_since(now);
        Some(Duration::from_millis(u64::try_from(left).unwrap_or(0)).min(wait))
    }

    fn take_gone(&self, now: Timestamp, wait: Duration) -> Vec<DiskPath> {
        let mut gone = lock(&self.gone);
        let due: Vec<_> = gone
            .iter()
            .filter(|(_, since)| now.ms_since(**since) >= millis(wait))
            .map(|(disk, _)| disk.clone())
            .collect();
        for disk in &due {
            gone.remove(disk);
        }
        due
    }
}

fn watched_folder_of(disk: &DiskPath) -> Option<&'static str> {
    let path = Path::new(disk.as_os_str());
    WATCHED_FOLDERS
        .into_iter()
        .find(|folder| path.starts_with(folder))
}

fn is_watched_folder(disk: &DiskPath) -> bool {
    disk.as_str()
        .is_some_and(|path| WATCHED_FOLDERS.contains(&path))
}

/// For ever where there is nothing to wait for.
async fn wait_for(time: Option<Duration>) {
    match time {
        Some(time) => tokio::time::sleep(time.max(SHORTEST_WAIT)).await,
        None => std::future::pending().await,
    }
}

/// Logs a trouble and waits a while, so that a database that is away is not asked without end.
async fn outlive(watch: &Watch, outcome: Result<(), IngestError>) {
    if report(watch, outcome) {
        tokio::time::sleep(TROUBLE_PAUSE).await;
    }
}

/// Logs a trouble, and has what it kept out found again. Returns whether there was one.
fn report(watch: &Watch, outcome: Result<(), IngestError>) -> bool {
    let Err(error) = outcome else {
        return false;
    };
    tracing::error!("taking in what came into the library: {error}");
    if matches!(error, IngestError::Store(_)) {
        watch.troubled.notify_one();
    }
    true
}

fn log_scan(report: &ScanReport) {
    let ScanReport {
        added,
        moved,
        changed,
        vanished,
        duplicates,
        ..
    } = report;
    if added + moved + changed + vanished + duplicates > 0 {
        tracing::info!(
            added,
            moved,
            changed,
            vanished,
            duplicates,
            "took in what came into the library"
        );
    }
}
