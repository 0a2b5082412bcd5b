//! What can go wrong with searching and indexing.

use std::path::PathBuf;

use tantivy::TantivyError;
use tantivy::directory::error::OpenReadError;

/// An error of the search index.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// Searching by meaning needs a model that is not there.
    #[error(
        "there is no embedding model yet, so search by meaning is off; search by words (mode=keyword)"
    )]
    NoEmbeddingModel,
    /// Another process writes this index.
    #[error(
        "another process is writing the search index in {0}; it keeps it up to date for this one too"
    )]
    Locked(PathBuf),
    /// The index's folder cannot be used.
    #[error(
        "the search index in {path} cannot be used: {source}; check that the folder can be written"
    )]
    Folder {
        /// Where it is.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The index cannot be read or written.
    #[error("search index: {0}; `seogo reindex` builds it anew")]
    Index(#[from] TantivyError),
    /// The change log cannot be read.
    #[error(transparent)]
    Store(#[from] store::StoreError),
    /// The work ended without an answer.
    #[error("indexing was interrupted: {0}")]
    Interrupted(String),
}

impl SearchError {
    /// A word for programs, as in the API's errors.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoEmbeddingModel => "no_embedding_model",
            Self::Locked(_) => "index_locked",
            Self::Store(_) => "database_unavailable",
            Self::Folder { .. } | Self::Index(_) | Self::Interrupted(_) => "index_unavailable",
        }
    }

    /// Whether files of the index are broken or gone, so that only building it anew helps.
    pub(crate) fn is_corrupt(&self) -> bool {
        matches!(self, Self::Index(error) if corrupt(error))
    }
}

fn corrupt(error: &TantivyError) -> bool {
    use std::io::ErrorKind::{InvalidData, NotFound, UnexpectedEof};
    let broken = |kind| matches!(kind, InvalidData | NotFound | UnexpectedEof);
    match error {
        TantivyError::DataCorruption(_)
        | TantivyError::IncompatibleIndex(_)
        | TantivyError::DeserializeError(_)
        | TantivyError::SchemaError(_)
        | TantivyError::OpenReadError(
            OpenReadError::FileDoesNotExist(_) | OpenReadError::IncompatibleIndex(_),
        ) => true,
        TantivyError::OpenReadError(OpenReadError::IoError { io_error, .. }) => {
            broken(io_error.kind())
        }
        TantivyError::IoError(io_error) => broken(io_error.kind()),
        _ => false,
    }
}
