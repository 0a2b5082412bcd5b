//! What things are: documents, queue items, segments, chunks, ids, time.
//!
//! This crate does no I/O and has no async code; every other crate builds on it.

mod chunk;
mod clock;
mod document;
mod file_type;
mod id;
pub mod name;
mod queue;
mod random;
mod segment;
mod write;

pub use chunk::Chunk;
pub use clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use document::{Category, Document, DocumentPatch, Source, UnknownCategory};
pub use file_type::{ACCEPTED_EXTENSIONS, FileType};
pub use id::{DocumentId, QueueItemId, new_uuid};
pub use queue::{
    ERROR_MESSAGE_MAX_CHARS, Lane, Priority, QueueItem, StageName, StageSpec, Status,
    UnknownStatus, bounded_error_message,
};
pub use random::{Random, SeededRandom, SystemRandom};
pub use segment::Segment;
pub use write::Write;
