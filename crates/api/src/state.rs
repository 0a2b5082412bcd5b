//! What the routes work with: everything is handed in by the binary.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use model::{Clock, Document, DocumentId, Random, StageSpec, Timestamp};
use serde::Serialize;
use store::{Store, StoreError, Tx};
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use crate::auth::{LoginAttempts, PasswordSlots};
use crate::error::ApiError;
use crate::metrics::Metrics;
use crate::routes::queue_history::HistoryCounts;

/// Everything the API needs.
pub struct AppState {
    /// The database.
    pub store: Store,
    /// The stages, in order.
    pub graph: Arc<queue::Graph>,
    /// The ways in.
    pub ingest: Arc<ingest::Ingest>,
    /// The search index.
    pub search: Arc<search::SearchIndex>,
    /// Folder of thumbnails and previews; the documents' paths are relative to it.
    pub derived_dir: PathBuf,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes ids and secrets.
    pub random: Arc<dyn Random>,
    /// Signs media tokens; the same on every machine that shares the database.
    pub secret: [u8; 32],
    /// What `/api/status` says.
    pub status: Arc<dyn StatusSource>,
    /// Limits.
    pub settings: ApiSettings,
    /// Ends the event streams, so that the server can stop.
    pub shutdown: CancellationToken,
    /// What the API keeps for itself.
    pub internals: Internals,
}

/// State of the API's own; starts empty.
#[derive(Debug, Default)]
pub struct Internals {
    pub(crate) logins: LoginAttempts,
    pub(crate) passwords: PasswordSlots,
    pub(crate) metrics: Metrics,
    pub(crate) history: HistoryCounts,
}

impl fmt::Debug for AppState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppState")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// Limits of the API.
#[derive(Clone, Debug)]
pub struct ApiSettings {
    /// Largest JSON body, in bytes; notes come as JSON. How large an upload may be is ingest's setting.
    pub max_body_bytes: usize,
    /// How long a sign-in lasts.
    pub session_ttl: Duration,
    /// How long a media token opens its document.
    pub media_token_ttl: Duration,
    /// Failed sign-ins of one name from one address before further ones are refused.
    pub login_attempts: u32,
    /// How long failed sign-ins are remembered.
    pub login_window: Duration,
    /// How many runs of a stage at once, where it differs from what the stage says.
    pub concurrency: HashMap<String, usize>,
}

impl Default for ApiSettings {
    fn default() -> Self {
        Self {
            max_body_bytes: 16 * 1024 * 1024,
            session_ttl: Duration::from_secs(30 * 24 * 3600),
            media_token_ttl: Duration::from_secs(3600),
            login_attempts: 8,
            login_window: Duration::from_secs(5 * 60),
            concurrency: HashMap::new(),
        }
    }
}

/// Knows what is ready on this installation and what is missing.
#[async_trait]
pub trait StatusSource: Send + Sync + 'static {
    /// The answer of `/api/status`.
    async fn status(&self) -> ServerStatus;
}

/// What the app shows in its banners.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ServerStatus {
    /// Version of the server.
    pub version: String,
    /// Speech recognition.
    pub speech: SpeechStatus,
    /// The outside programs.
    pub programs: Vec<ProgramStatus>,
}

/// Whether recordings can be transcribed, and by what.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct SpeechStatus {
    /// Whether transcripts are made by a speech model.
    pub ready: bool,
    /// Its name.
    pub model: Option<String>,
    /// What makes the transcripts.
    pub engine: SpeechEngine,
    /// What is missing, for people.
    pub message: Option<String>,
    /// What to type to mend it.
    pub command: Option<String>,
}

/// What makes transcripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SpeechEngine {
    /// A whisper model.
    Whisper,
    /// The draft engine.
    Draft,
    /// Nothing.
    None,
}

/// An outside program.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ProgramStatus {
    /// Its name.
    pub name: String,
    /// Whether it is there.
    pub found: bool,
    /// What cannot be done without it.
    pub needed_for: String,
    /// What to type to get it.
    pub mend: Option<String>,
}

impl AppState {
    /// How many runs of the stage at once.
    pub(crate) fn concurrency(&self, spec: &StageSpec) -> usize {
        let set = self.settings.concurrency.get(spec.name);
        set.copied().unwrap_or(spec.concurrency)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) async fn read(&self) -> Result<Tx, StoreError> {
        self.store.read().await
    }

    pub(crate) async fn write(&self) -> Result<Tx, StoreError> {
        self.store.write().await
    }

    /// The document, or 404 `document_not_found`.
    pub(crate) async fn document(&self, id: &DocumentId) -> Result<Document, ApiError> {
        let found = self.read().await?.document(id).await?;
        found.ok_or_else(ApiError::document_not_found)
    }
}
