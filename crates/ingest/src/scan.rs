//! The full scan: compares what lies in the watched folders with what is known of them.
//!
//! Files that look as they did (size and time of change) are not read again.

use std::collections::HashMap;

use model::Source;
use store::KnownFile;

use crate::content::{Stamp, blocking};
use crate::names::DiskPath;
use crate::resolve::is_absent;
use crate::settle::Settling;
use crate::walk::{Walk, walk};
use crate::{
    FoundFile, Ingest, IngestError, Ingested, ScanReport, SkipReason, WATCHED_FOLDERS, Wish,
};

/// Rows of `files` read at once.
pub(crate) const KNOWN_PAGE: i64 = 2_000;

impl Ingest {
    /// Looks at everything in the watched folders once. What was seen for the first time is taken in by a later scan, when it
    /// has held still for the settling time (at once where that is zero). A folder that is missing, unreadable, or suddenly
    /// empty changes nothing and is told in [`ScanReport::problems`].
    ///
    /// # Errors
    /// The database refuses. Files that cannot be read are in the report.
    pub async fn scan(&self) -> Result<ScanReport, IngestError> {
        let mut report = ScanReport::default();
        match self.prepare().await {
            Err(error @ IngestError::NotFound(_)) => {
                report.problems.push(error.to_string());
                self.publish(&report);
                return Ok(report);
            }
            Err(error @ IngestError::Store(_)) => return Err(error),
            // A library that can only be read can still be scanned.
            Err(error) => tracing::debug!(%error, "the library's folders could not be made"),
            Ok(()) => {}
        }
        for folder in WATCHED_FOLDERS {
            self.scan_folder(folder, &mut report).await?;
        }
        self.publish(&report);
        Ok(report)
    }

    async fn scan_folder(&self, folder: &str, report: &mut ScanReport) -> Result<(), IngestError> {
        let walk = self.walk(DiskPath::of_stored(folder, None)).await;
        let mut known = self.known_below(&format!("{folder}/")).await?;
        if let Some(problem) = problem(folder, &walk, &known) {
            report.problems.push(problem);
            return Ok(());
        }
        for file in walk.files {
            report.seen += 1;
            let row = known.remove(&file.disk);
            if !row.is_some_and(|row| is_same(&row, &file)) {
                self.consider(file, &self.shared.found_by_scan, report)
                    .await?;
            }
        }
        known.retain(|disk, _| !walk.unreadable.iter().any(|folder| disk.is_below(folder)));
        for folder in &walk.unreadable {
            report.problems.push(format!(
                "{} cannot be read; check its permissions",
                folder.stored()
            ));
        }
        self.forget_vanished(known, report).await
    }

    pub(crate) async fn walk(&self, folder: DiskPath) -> Walk {
        let shared = self.shared.clone();
        blocking(move || walk(&shared.config.library, &folder, &shared.skip)).await
    }

    async fn known_below(&self, prefix: &str) -> Result<HashMap<DiskPath, KnownFile>, IngestError> {
        let mut tx = self.shared.store.read().await?;
        let mut known = HashMap::new();
        let mut after = String::new();
        loop {
            let page = tx.files_below(prefix, &after, KNOWN_PAGE).await?;
            let Some(last) = page.last() else {
                return Ok(known);
            };
            after.clone_from(&last.path);
            known.extend(page.into_iter().map(|row| (DiskPath::of_known(&row), row)));
        }
    }

    /// Takes the file in if it has settled.
    async fn consider(
        &self,
        file: FoundFile,
        settling: &Settling,
        report: &mut ScanReport,
    ) -> Result<(), IngestError> {
        if !settling.observe(&file, self.now(), self.shared.config.settle) {
            report.settling += 1;
            return Ok(());
        }
        self.take_found(file, settling, report).await
    }

    /// Takes in a file that has settled, and counts what becomes of it.
    pub(crate) async fn take_found(
        &self,
        file: FoundFile,
        settling: &Settling,
        report: &mut ScanReport,
    ) -> Result<(), IngestError> {
        let shown = file.disk.stored();
        match self
            .take_in(file.clone(), Source::Watch, &Wish::default())
            .await
        {
            Ok(outcome) => {
                if outcome == Ingested::Skipped(SkipReason::StillWritten) {
                    // Waits again from here on.
                    settling.wait_again(&file, self.now());
                }
                tracing::debug!(path = shown, ?outcome, "looked at a file");
                report.count(&outcome);
            }
            Err(error @ IngestError::Store(_)) => return Err(error),
            Err(error) => {
                self.complain(&file, &error);
                report.failed.push((shown, error.to_string()));
            }
        }
        Ok(())
    }

    /// Looks again at what has waited for long enough.
    pub(crate) async fn take_settled(
        &self,
        settling: &Settling,
    ) -> Result<ScanReport, IngestError> {
        let mut report = ScanReport::default();
        for file in self.settled_files(settling) {
            self.take_found(file, settling, &mut report).await?;
        }
        Ok(report)
    }

    /// What has waited for long enough and still looks as it did.
    pub(crate) fn settled_files(&self, settling: &Settling) -> Vec<FoundFile> {
        let (now, settle) = (self.now(), self.shared.config.settle);
        let mut settled = Vec::new();
        for disk in settling.due(now, settle) {
            match std::fs::symlink_metadata(disk.on(self.library())) {
                Ok(metadata) if metadata.is_file() => {
                    let file = Stamp::of(&metadata).found(disk);
                    settled.extend(settling.observe(&file, now, settle).then_some(file));
                }
                _ => settling.drop_path(&disk),
            }
        }
        settled
    }

    /// What is known but was not seen: gone, unless it only is passed by now, or perhaps is on its way to another place.
    async fn forget_vanished(
        &self,
        unseen: HashMap<DiskPath, KnownFile>,
        report: &mut ScanReport,
    ) -> Result<(), IngestError> {
        let library = self.library().to_owned();
        let gone: Vec<KnownFile> = blocking(move || {
            let is_gone = |disk: &DiskPath| {
                matches!(std::fs::symlink_metadata(disk.on(&library)), Err(error) if is_absent(&error))
            };
            unseen.into_iter().filter(|(disk, _)| is_gone(disk)).map(|(_, row)| row).collect()
        })
        .await;
        for row in gone {
            if !self.is_arriving(row.size) && self.forget(&row).await? {
                report.vanished += 1;
            }
        }
        Ok(())
    }
}

/// Why nothing may be concluded from this walk, for people.
fn problem(folder: &str, walk: &Walk, known: &HashMap<DiskPath, KnownFile>) -> Option<String> {
    if let Some(problem) = &walk.problem {
        return Some(problem.clone());
    }
    (walk.empty && !known.is_empty()).then(|| {
        format!(
            "{folder} is empty although {} files are known there; it is taken for not mounted, and nothing is changed",
            known.len()
        )
    })
}

pub(crate) fn is_same(row: &KnownFile, file: &FoundFile) -> bool {
    row.size == file.size && row.modified_at == file.modified_at
}
