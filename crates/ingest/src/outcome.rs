//! What goes in and what comes out of every way in.

use model::{Document, DocumentId, Timestamp};

use crate::names::DiskPath;

/// A file below the library root as it was just seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundFile {
    /// Where, relative to the library root.
    pub disk: DiskPath,
    /// Bytes.
    pub size: i64,
    /// Last change as the file system tells it.
    pub modified_at: Timestamp,
}

/// What the person said along with the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// The title; no stage overwrites it.
    pub title: Option<String>,
    /// The tags; where there are any, no stage adds others.
    pub tags: Vec<String>,
}

/// What became of a file.
#[derive(Clone, Debug, PartialEq)]
pub enum Ingested {
    /// A new document.
    Added(Box<Document>),
    /// Its content is there already, at another place that still exists.
    Duplicate {
        /// The document that has it.
        existing: DocumentId,
        /// Whether that one is in the trash.
        trashed: bool,
    },
    /// The document's original lies here now.
    Moved(DocumentId),
    /// The document's original was changed in place.
    Changed(DocumentId),
    /// Known as it is.
    Unchanged(DocumentId),
    /// Left alone for now, or for good.
    Skipped(SkipReason),
}

/// Why a file was left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SkipReason {
    /// It changed while it was read, or has not held still yet.
    StillWritten,
    /// Somebody else is taking it in right now.
    InWork,
    /// It vanished before it was read.
    Gone,
    /// Neither a file nor a folder, or a symbolic link.
    NoFile,
}

/// What a scan found and did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScanReport {
    /// Files looked at.
    pub seen: u64,
    /// New documents.
    pub added: u64,
    /// Copies of known content.
    pub duplicates: u64,
    /// Documents whose original was found at another place.
    pub moved: u64,
    /// Documents whose original was changed in place.
    pub changed: u64,
    /// Files that are gone.
    pub vanished: u64,
    /// Files still being written, looked at again soon.
    pub settling: u64,
    /// Files that could not be read or stored, with the cause.
    pub failed: Vec<(String, String)>,
    /// What kept the scan from looking: unmounted or unreadable folders, in words for people.
    pub problems: Vec<String>,
}

impl ScanReport {
    /// Counts what became of one file.
    pub(crate) fn count(&mut self, outcome: &Ingested) {
        match outcome {
            Ingested::Added(_) => self.added += 1,
            Ingested::Duplicate { .. } => self.duplicates += 1,
            Ingested::Moved(_) => self.moved += 1,
            Ingested::Changed(_) => self.changed += 1,
            Ingested::Skipped(SkipReason::StillWritten) => self.settling += 1,
            Ingested::Unchanged(_) | Ingested::Skipped(_) => {}
        }
    }
}
