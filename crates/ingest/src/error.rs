//! What can go wrong on the way in, in words that say what to do next.

use std::io;
use std::path::Path;

use model::DocumentId;
use store::StoreError;

/// Why something was not taken in.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// Nothing in it.
    #[error("{0} is empty; there is nothing to keep. Check the file and send it again")]
    EmptyFile(String),
    /// A video container no browser plays.
    #[error(
        "no browser plays .{0} videos; upload it as .mp4 or .webm, or put it into the Videos folder of the library, where it can be converted"
    )]
    UnsupportedCodec(String),
    /// The same content is there already.
    #[error(
        "the same content is already in the library{}",
        if *trashed { ", in the trash; take it out of there instead" } else { "; open that document instead" }
    )]
    Duplicate {
        /// The document that has it.
        existing: DocumentId,
        /// Whether that one is in the trash.
        trashed: bool,
    },
    /// Over a limit.
    #[error("{what} is larger than the limit of {limit} bytes; {next}")]
    TooLarge {
        /// What.
        what: String,
        /// The limit, in bytes.
        limit: u64,
        /// What can be done about it.
        next: &'static str,
    },
    /// No room.
    #[error("the disk that holds {0} is full; free some space and try again")]
    DiskFull(String),
    /// A name nothing can be made of, or a path that leads out of the library.
    #[error("{0:?} cannot be used as a file name; rename the file and try again")]
    InvalidName(String),
    /// There is no such document, or its original is not where it should be.
    #[error("{0} is not there; it was moved, deleted, or its disk is not mounted")]
    NotFound(String),
    /// A glob in `library.ignore` that cannot be read.
    #[error("library.ignore holds {glob:?}, which is no valid pattern: {reason}")]
    InvalidGlob {
        /// As written.
        glob: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The file system refused.
    #[error(
        "{path}: {source}; check that the file can be read and the library folder can be written to"
    )]
    Io {
        /// Where.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The database refused.
    #[error("storing what was found: {0}; see `seogo doctor`")]
    Store(#[from] StoreError),
}

impl IngestError {
    /// The cause in one `snake_case` word, as in the API.
    pub fn code(&self) -> &'static str {
        match self {
            Self::EmptyFile(_) => "empty_file",
            Self::UnsupportedCodec(_) => "unsupported_codec",
            Self::Duplicate { .. } => "duplicate",
            Self::TooLarge { .. } => "too_large",
            Self::DiskFull(_) => "disk_full",
            Self::InvalidName(_) | Self::InvalidGlob { .. } => "invalid_name",
            Self::NotFound(_) => "not_found",
            Self::Io { .. } => "io",
            Self::Store(_) => "store",
        }
    }

    /// What became of an operation on `path`.
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        let path = path.display().to_string();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull(path),
            io::ErrorKind::NotFound => Self::NotFound(path),
            _ => Self::Io { path, source },
        }
    }
}
