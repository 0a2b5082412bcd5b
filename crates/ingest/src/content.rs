//! Reads a file once: its hash, its first bytes, and whether it held still meanwhile.

use std::fs::{File, Metadata};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use model::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::kind::HEAD_BYTES;
use crate::names::DiskPath;
use crate::{FoundFile, IngestError};

/// Read at once, in bytes; the most that hashing holds in memory.
pub(crate) const BUFFER_BYTES: usize = 256 * 1024;

/// Hash and first bytes of something that comes in piece by piece.
#[derive(Debug, Default)]
pub(crate) struct Digest {
    hasher: blake3::Hasher,
    head: Vec<u8>,
    size: u64,
}

impl Digest {
    /// Takes the next piece.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        let missing = HEAD_BYTES - self.head.len();
        self.head
            .extend_from_slice(&bytes[..bytes.len().min(missing)]);
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
    }

    /// Bytes so far.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// The first [`HEAD_BYTES`].
    pub(crate) fn head(&self) -> &[u8] {
        &self.head
    }

    /// BLAKE3 of everything so far, lower-case hex.
    pub(crate) fn hash(&self) -> String {
        self.hasher.finalize().to_hex().to_string()
    }
}

/// Size and time of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) size: i64,
    pub(crate) modified_at: Timestamp,
}

impl Stamp {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self {
            size: i64::try_from(metadata.len()).unwrap_or(i64::MAX),
            modified_at: modified_at(metadata),
        }
    }

    pub(crate) fn found(self, disk: DiskPath) -> FoundFile {
        FoundFile {
            disk,
            size: self.size,
            modified_at: self.modified_at,
        }
    }
}

/// Milliseconds; a file system without times gives the epoch.
fn modified_at(metadata: &Metadata) -> Timestamp {
    let Ok(time) = metadata.modified() else {
        return Timestamp::default();
    };
    let millis = match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms),
    };
    Timestamp(millis)
}

/// What reading found.
#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) digest: Digest,
    pub(crate) before: Stamp,
    pub(crate) after: Stamp,
}

/// Hashes the file, off the async threads. Dropped, it stops reading: a shutdown does not wait for gigabytes.
pub(crate) async fn read(path: PathBuf) -> Result<Content, IngestError> {
    let cancel = CancellationToken::new();
    let _guard = cancel.clone().drop_guard();
    blocking(move || read_now(&path, &cancel).map_err(|error| IngestError::io(&path, error))).await
}

fn read_now(path: &Path, cancel: &CancellationToken) -> std::io::Result<Content> {
    let mut file = File::open(path)?;
    let before = Stamp::of(&file.metadata()?);
    let mut digest = Digest::default();
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let n = match file.read(&mut buffer) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        if n == 0 || cancel.is_cancelled() {
            break;
        }
        digest.update(&buffer[..n]);
    }
    // By name, not by handle: what lies there now may be another file.
    let after = Stamp::of(&std::fs::symlink_metadata(path)?);
    Ok(Content {
        digest,
        before,
        after,
    })
}

/// Runs file work on the blocking threads; a panic in there goes on here.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is shutting down; nobody will look at what this future would have given.
            Err(_) => std::future::pending().await,
        },
    }
}
