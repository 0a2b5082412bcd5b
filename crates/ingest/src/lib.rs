//! Every way in: watched folders, uploads, notes, the command line.
//!
//! The entry point is [`Ingest`]. Whatever the way, a file ends in [`Ingest::take_in`] (or, hashed on its way to the disk, in
//! the same recording step behind it), which decides in one transaction whether it is a new document, a copy, a moved or a
//! changed original, and enqueues the first stages with it. Originals are only ever read.
//!
//! Names: a document's path is kept in NFC, with the bytes on disk beside it where they differ. Where two files lie side by
//! side whose names differ in nothing but the normal form, the first one known has the NFC path and the other is stored under
//! its own spelling (or the NFD one), each with its raw bytes, for as long as it is known.

mod add;
mod config;
mod content;
mod error;
mod events;
mod fresh;
mod ingest;
mod kind;
mod names;
mod network;
mod note;
mod outcome;
mod places;
mod resolve;
mod scan;
mod settle;
mod skip;
mod status;
mod take_in;
mod upload;
mod walk;
mod watch;

pub use add::{AddProgress, AddSummary};
pub use model::Priority;

pub use config::{
    FirstStages, INBOX, IngestConfig, MAX_NOTE_BYTES, NETWORK_SCAN_INTERVAL, WATCHED_FOLDERS,
};
pub use error::IngestError;
pub use ingest::Ingest;
pub use names::DiskPath;
pub use outcome::{FoundFile, Ingested, ScanReport, SkipReason, Wish};
pub use resolve::resolve_below;
pub use status::IngestStatus;
pub use upload::Upload;
