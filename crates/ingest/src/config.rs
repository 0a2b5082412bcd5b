//! What ingest is told once, at start.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use model::{Document, StageSpec};

/// The watched folders below the library root.
pub const WATCHED_FOLDERS: [&str; 3] = ["Inbox", "Recordings", "Videos"];

/// Where uploads and copies land.
pub const INBOX: &str = "Inbox";

/// Longest note, in bytes.
pub const MAX_NOTE_BYTES: usize = 4 * 1024 * 1024;

/// Scan interval on file systems that tell nobody of changes (NFS, SMB), unless a shorter one is set.
pub const NETWORK_SCAN_INTERVAL: Duration = Duration::from_secs(15);

/// Tells which stages a new (or changed) document begins with.
pub type FirstStages = Arc<dyn Fn(&Document) -> Vec<StageSpec> + Send + Sync>;

/// What is watched, and the limits.
#[derive(Clone, Debug)]
pub struct IngestConfig {
    /// The library root.
    pub library: PathBuf,
    /// Whether the library root may be created where it is absent. Not for a mount point: there an absent or empty folder
    /// means that the NAS is not mounted.
    pub create_library: bool,
    /// Globs of what to leave alone, matched in NFC against the path relative to the library, and against the name alone
    /// where the glob holds no `/`.
    pub ignore: Vec<String>,
    /// Folders to leave alone (a music library), absolute or relative to the library.
    pub skip_prefixes: Vec<PathBuf>,
    /// How long a file's size and time of change must hold still before it is read.
    pub settle: Duration,
    /// How often everything is looked at, whether events came or not.
    pub scan_interval: Duration,
    /// Largest upload, in bytes.
    pub max_upload_bytes: u64,
}

impl IngestConfig {
    /// The defaults for that library: one second to settle, a scan a minute, uploads up to 20 GiB.
    pub fn new(library: impl Into<PathBuf>) -> Self {
        Self {
            library: library.into(),
            create_library: false,
            ignore: Vec::new(),
            skip_prefixes: Vec::new(),
            settle: Duration::from_secs(1),
            scan_interval: Duration::from_secs(60),
            max_upload_bytes: 20 * 1024 * 1024 * 1024,
        }
    }
}
