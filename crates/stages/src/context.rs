//! What stages may use, and how the errors of what they use become theirs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use model::{Clock, Document, DocumentPatch, Lane, StageName, StageSpec, Write};
use queue::StageError;
use store::{Store, StoreError};
use tools::{SpeechClient, ToolError, Toolbox};

/// What a transcript waits for while no speech model is loaded.
pub const WAIT_SPEECH_MODEL: &str = "speech_model";
/// What a transcript waits for while the speech service does not answer.
pub const WAIT_SPEECH_SERVICE: &str = "speech_service";

/// How often a stage is tried unless it says otherwise. Only what may pass is tried again, later and later, for a quarter of an
/// hour in all; and a server that is killed again and again must not make innocent files fail.
const MAX_ATTEMPTS: i64 = 10;
/// How long a claim holds without a heartbeat.
const LEASE_MS: i64 = 15_000;

/// Finds originals.
#[async_trait]
pub trait Library: Send + Sync + 'static {
    /// Where the document's original lies now, whatever normal form its name has on disk.
    ///
    /// # Errors
    /// A sentence for a person: it is missing, or the folder is not mounted.
    async fn locate(&self, document: &Document) -> Result<PathBuf, String>;
}

/// What stages may use.
pub struct StageContext {
    /// For texts and transcripts of earlier stages.
    pub store: Store,
    /// Programs in the fence.
    pub tools: Toolbox,
    /// Finds originals.
    pub library: Arc<dyn Library>,
    /// The speech service.
    pub speech: SpeechClient,
    /// Folder of thumbnails and previews; everything in it can be made again.
    pub derived: PathBuf,
    /// Languages of recordings, the likeliest first.
    pub languages: Vec<String>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
}

impl StageContext {
    /// The path of the document's original.
    pub(crate) async fn original(&self, document: &Document) -> Result<PathBuf, StageError> {
        self.library
            .locate(document)
            .await
            .map_err(|message| match document.missing_since {
                // Not known to be gone: its disk is away, or the scan has not looked yet. That may last a night.
                None => StageError::wait("original", message),
                Some(_) => StageError::retry("original_missing", message),
            })
    }

    /// The text an earlier stage found; empty where there is none.
    pub(crate) async fn text(&self, document: &Document) -> Result<String, StageError> {
        let mut tx = self.store.read().await.map_err(|e| store_error(&e))?;
        let text = tx.extracted_text(&document.id).await;
        Ok(text.map_err(|e| store_error(&e))?.unwrap_or_default())
    }

    /// The folder `name` below the derived files, made where it is not there.
    pub(crate) async fn derived_folder(&self, name: &str) -> Result<PathBuf, StageError> {
        let folder = self.derived.join(name);
        let made = tokio::fs::create_dir_all(&folder).await;
        made.map_err(|error| cannot_write(&folder, &error))?;
        Ok(folder)
    }
}

/// A spec with the usual lease, tries and version.
pub(crate) const fn spec(
    name: StageName,
    after: &'static [StageName],
    lane: Lane,
    concurrency: usize,
) -> StageSpec {
    StageSpec {
        name,
        after,
        at_ingest: false,
        version: 1,
        lane,
        concurrency,
        lease_ms: LEASE_MS,
        max_attempts: MAX_ATTEMPTS,
    }
}

/// A spec of a stage that new documents begin with.
pub(crate) const fn first(name: StageName, lane: Lane, concurrency: usize) -> StageSpec {
    StageSpec {
        at_ingest: true,
        ..spec(name, &[], lane, concurrency)
    }
}

/// The single write of a patch.
pub(crate) fn patch(patch: DocumentPatch) -> Write {
    Write::Patch(Box::new(patch))
}

/// A missing program is waited for, what may pass is tried again, and what lies in the file fails at once.
pub(crate) fn tool_error(error: &ToolError) -> StageError {
    match error {
        ToolError::Missing { program, .. } => StageError::wait(format!("program:{program}"), error),
        // The limits grow with the file: what reaches one would reach it again, at the same cost.
        ToolError::TimedOut { .. } => StageError::fail(error.code(), error),
        _ if error.retryable() => StageError::retry(error.code(), error),
        _ => StageError::fail(error.code(), error),
    }
}

pub(crate) fn store_error(error: &StoreError) -> StageError {
    StageError::retry("store", error)
}

fn cannot_write(path: &Path, error: &std::io::Error) -> StageError {
    StageError::retry(
        "cannot_write",
        format!(
            "Cannot write to {}: {error}. Is the disk full?",
            path.display()
        ),
    )
}
