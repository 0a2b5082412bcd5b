//! What stages may use, and how the errors of what they use become theirs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::VideoPolicy;
use async_trait::async_trait;
use model::{Clock, Document, DocumentPatch, Lane, QueueItem, StageName, StageSpec, Write};
use queue::StageError;
use store::{Store, StoreError};
use tools::{Again, SpeechClient, ToolError, Toolbox};

/// What a transcript waits for while no speech model is loaded.
pub const WAIT_SPEECH_MODEL: &str = "speech_model";
/// What a transcript waits for while the speech service does not answer.
pub const WAIT_SPEECH_SERVICE: &str = "speech_service";

/// How often a stage is tried unless it says otherwise. Only what may pass is tried again, later and later, for a quarter of an
/// hour in all; and a server that is killed again and again must not make innocent files fail.
const MAX_ATTEMPTS: i64 = 10;
/// How long a claim holds without a heartbeat.
const LEASE_MS: i64 = 10_000;

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
    /// What happens to videos without being asked for.
    pub video: VideoPolicy,
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
pub(crate) fn tool_error(item: &QueueItem, error: &ToolError) -> StageError {
    if let ToolError::Missing { program, .. } = error {
        return StageError::wait(format!("program:{program}"), error);
    }
    match error.again() {
        Again::Yes => StageError::retry(error.code(), error),
        Again::Once if !is_second_time(item, error.code()) => {
            StageError::retry(error.code(), format!("{error} It is tried once more."))
        }
        Again::Once | Again::No => StageError::fail(error.code(), error),
    }
}

/// Whether this row ended this way before. It remembers its latest end only, so from the third run on it is believed to have.
fn is_second_time(item: &QueueItem, code: &str) -> bool {
    match item.attempts {
        ..=1 => false,
        2 => item.error_code.as_deref() == Some(code),
        _ => true,
    }
}

pub(crate) fn store_error(error: &StoreError) -> StageError {
    StageError::retry("store", error)
}

pub(crate) fn cannot_write(path: &Path, error: &std::io::Error) -> StageError {
    StageError::retry(
        "cannot_write",
        format!(
            "Cannot write to {}: {error}. Is the disk full?",
            path.display()
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row in its so-manieth run, with the code of the run before.
    fn run(attempts: i64, before: Option<&str>) -> QueueItem {
        crate::testing::item("extract", attempts, before)
    }

    fn killed() -> ToolError {
        ToolError::Killed {
            program: "tesseract".into(),
            limit_mib: 2048,
        }
    }

    fn is_retried(item: &QueueItem, error: &ToolError) -> bool {
        match tool_error(item, error) {
            StageError::Retry { code, message } => {
                assert_eq!(code, error.code());
                assert!(message.starts_with(&error.to_string()), "{message}");
                true
            }
            StageError::Fail { code, message } => {
                assert_eq!(
                    (code, message),
                    (error.code().to_owned(), error.to_string())
                );
                false
            }
            wait => panic!("{wait:?}"),
        }
    }

    #[test]
    fn a_killed_child_is_tried_once_more_and_then_the_file_has_failed() {
        assert!(is_retried(&run(1, None), &killed()));
        assert!(!is_retried(&run(2, Some("killed")), &killed()));
        // Something else came before: this is its first time.
        assert!(is_retried(&run(2, Some("store")), &killed()));
        assert!(!is_retried(&run(3, Some("store")), &killed()));
        // A person asked for it anew: the count begins anew, the old code is still there.
        assert!(is_retried(&run(1, Some("killed")), &killed()));
        assert!(killed().to_string().contains("2048 MiB"));
    }

    #[test]
    fn what_passes_is_tried_again_and_what_lies_in_the_file_is_not() {
        let cut_off = ToolError::Io {
            what: "cannot read from pdftotext".into(),
            source: std::io::ErrorKind::BrokenPipe.into(),
        };
        assert!(is_retried(&run(9, Some("io")), &cut_off));
        let slow = ToolError::TimedOut {
            program: "pdftotext".into(),
            after: "312 s".into(),
            allowed: "60 s + 2 s for each of 126 pages".into(),
        };
        assert!(!is_retried(&run(1, None), &slow));
        assert!(slow.to_string().starts_with(
            "pdftotext was stopped after 312 s: allowed are 60 s + 2 s for each of 126 pages."
        ));
    }

    #[test]
    fn a_message_fits_into_its_column_with_room_for_what_the_program_said() {
        let crashed = ToolError::Crashed {
            program: "tesseract".into(),
            signal: 11,
            limit_mib: 2048,
            stderr: "x".repeat(300),
        };
        let StageError::Retry { message, .. } = tool_error(&run(1, None), &crashed) else {
            panic!("it is tried once more");
        };
        assert!(
            message.chars().count() <= model::ERROR_MESSAGE_MAX_CHARS,
            "{message}"
        );
    }
}
