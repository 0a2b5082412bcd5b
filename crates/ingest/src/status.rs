//! What ingest tells of itself: how it watches, what the last scan found, what keeps it from looking.

use model::Timestamp;

use crate::content::Stamp;
use crate::ingest::lock;
use crate::{FoundFile, Ingest, IngestError, ScanReport};

/// How things stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IngestStatus {
    /// Whether changes are told by events; else they are found by scans alone.
    pub by_events: bool,
    /// When the last scan ended.
    pub scanned_at: Option<Timestamp>,
    /// What it found.
    pub last_scan: ScanReport,
    /// Files that are waited for because they are still being written.
    pub settling: usize,
}

impl Ingest {
    /// How things stand.
    pub fn status(&self) -> IngestStatus {
        let mut status = lock(&self.shared.status).clone();
        status.settling = self.shared.found_by_scan.len() + self.shared.found_by_event.len();
        status
    }

    /// Keeps the report and logs what has changed about the problems.
    pub(crate) fn publish(&self, report: &ScanReport) {
        let mut status = lock(&self.shared.status);
        for problem in &report.problems {
            if !status.last_scan.problems.contains(problem) {
                tracing::warn!("{problem}");
            }
        }
        if report.problems.is_empty() && !status.last_scan.problems.is_empty() {
            tracing::info!("the library can be read again");
        }
        status.scanned_at = Some(self.now());
        status.last_scan = report.clone();
    }

    /// Logs once what is wrong with a file, and again when the file has changed.
    pub(crate) fn complain(&self, file: &FoundFile, error: &IngestError) {
        let stamp = Stamp {
            size: file.size,
            modified_at: file.modified_at,
        };
        let path = file.disk.stored();
        if lock(&self.shared.complained).insert(file.disk.clone(), stamp) == Some(stamp) {
            tracing::debug!(path, %error, "still cannot be taken in");
        } else {
            tracing::warn!(path, %error, "cannot be taken in");
        }
    }
}
