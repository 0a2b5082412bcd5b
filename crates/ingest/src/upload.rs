//! Files that come in piece by piece: streamed into a hidden folder of the library, hashed on the way, synced, renamed into
//! `Inbox/`, and only then stored.
//!
//! A crash leaves either a `.part` file, which [`Ingest::prepare`] clears away a day later, or a whole file in `Inbox/`,
//! which the next scan takes in.

use std::io;
use std::path::{Path, PathBuf};

use model::{Document, Source, new_uuid};
use tokio::io::AsyncWriteExt;

use crate::content::{BUFFER_BYTES, Digest, Stamp, blocking};
use crate::names::{self, DiskPath};
use crate::take_in::{Arrival, Terms};
use crate::{INBOX, Ingest, IngestError, Ingested, Wish, kind};

/// Where unfinished uploads lie, below the library root (the same file system, so that a rename is enough).
pub(crate) const UPLOADS: &str = ".seogo/uploads";

/// Ending of an unfinished upload.
const PART: &str = "part";

/// An unfinished upload is litter after this many milliseconds without a change.
const LITTER_AFTER_MS: i64 = 24 * 60 * 60 * 1000;

/// How many files of one name there may be in `Inbox/` before a further one is refused.
const MAX_SAME_NAME: u32 = 9_999;

/// A file on its way in. Dropped unfinished, it leaves nothing behind.
#[derive(Debug)]
pub struct Upload {
    ingest: Ingest,
    name: String,
    limit: u64,
    digest: Digest,
    file: tokio::fs::File,
    part: PartFile,
}

/// Removes the unfinished file when it goes out of scope.
#[derive(Debug)]
struct PartFile(PathBuf);

impl Drop for PartFile {
    fn drop(&mut self) {
        // Renamed away on success; else a leftover, which a later start clears away.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Ingest {
    /// Begins an upload of a file that the sender calls `file_name`.
    ///
    /// # Errors
    /// `invalid_name` where nothing can be made of the name, `unsupported_codec` for .mov/.mkv/.avi, `disk_full`, `io`,
    /// `not_found` where the library is not mounted.
    pub async fn begin_upload(&self, file_name: &str) -> Result<Upload, IngestError> {
        refuse_quarantined(kind::of(file_name, b""))?;
        self.begin_copy(file_name, self.shared.config.max_upload_bytes)
            .await
    }

    pub(crate) async fn begin_copy(
        &self,
        file_name: &str,
        limit: u64,
    ) -> Result<Upload, IngestError> {
        let name = names::sanitise(file_name)
            .ok_or_else(|| IngestError::InvalidName(file_name.to_owned()))?;
        self.prepare().await?;
        let id = new_uuid(&*self.shared.clock, &*self.shared.random);
        let path = self.library().join(UPLOADS).join(format!("{id}.{PART}"));
        let file = tokio::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)
            .await
            .map_err(|error| IngestError::io(&path, error))?;
        Ok(Upload {
            ingest: self.clone(),
            name,
            limit,
            digest: Digest::default(),
            file,
            part: PartFile(path),
        })
    }

    /// Makes the watched folders and the folder for uploads, and clears away uploads that a crash left behind over a day ago.
    ///
    /// # Errors
    /// `not_found` where the library root is not there, or is empty although files below it are known (an unmounted NAS):
    /// nothing is created then. `io` where a folder cannot be made.
    pub async fn prepare(&self) -> Result<(), IngestError> {
        let uploads = self.library().join(UPLOADS);
        if !uploads.is_dir() {
            self.check_mounted().await?;
        }
        let (root, create_root) = (self.library().to_owned(), self.shared.config.create_library);
        let old = self.now().plus_ms(-LITTER_AFTER_MS);
        blocking(move || {
            if create_root {
                make_folder(&root)?;
            }
            for folder in crate::WATCHED_FOLDERS {
                make_folder(&root.join(folder))?;
            }
            make_folder(&uploads)?;
            clear_litter(&uploads, old);
            Ok(())
        })
        .await
    }

    /// Whether the library root is what it was: an empty folder below which files are known is a mount point without its
    /// mount.
    async fn check_mounted(&self) -> Result<(), IngestError> {
        let root = self.library().to_owned();
        let entries =
            blocking(move || std::fs::read_dir(&root).map(|mut entries| entries.next().is_some()))
                .await;
        let absent = || {
            let root = self.library().display();
            IngestError::NotFound(format!("The library folder {root}"))
        };
        match entries {
            Ok(true) => Ok(()),
            Ok(false) if self.knows_nothing().await? => Ok(()),
            Ok(false) => Err(absent()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // A library that held files and is absent now is a mount that is not there: no folder is made in its place.
                if self.shared.config.create_library && self.knows_nothing().await? {
                    Ok(())
                } else {
                    Err(absent())
                }
            }
            Err(error) => Err(IngestError::io(self.library(), error)),
        }
    }

    /// Whether no file of the library has ever been seen.
    async fn knows_nothing(&self) -> Result<bool, IngestError> {
        let mut tx = self.shared.store.read().await?;
        Ok(tx.files_below("", "", 1).await?.is_empty())
    }
}

impl Upload {
    /// The name the file will have, as far as it is free.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Bytes written so far.
    pub fn size(&self) -> u64 {
        self.digest.size()
    }

    /// Appends the next piece.
    ///
    /// # Errors
    /// `too_large`, `disk_full`, `io`; the upload is of no use then.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), IngestError> {
        let size = self.digest.size().saturating_add(bytes.len() as u64);
        if size > self.limit {
            return Err(IngestError::TooLarge {
                what: self.name.clone(),
                limit: self.limit,
                next: "put it into the Inbox folder of the library instead, or raise the limit in the settings",
            });
        }
        for piece in bytes.chunks(BUFFER_BYTES) {
            self.digest.update(piece);
            self.file
                .write_all(piece)
                .await
                .map_err(|error| self.failed(error))?;
        }
        Ok(())
    }

    /// The file is whole: makes it last, gives it its place in `Inbox/`, stores its document and enqueues its first stages.
    ///
    /// # Errors
    /// `empty_file`, `unsupported_codec` (by name or content), `duplicate` with the document that has the content,
    /// `disk_full`, `io`, `store`.
    pub async fn finish(self, wish: &Wish) -> Result<Document, IngestError> {
        refuse_quarantined(kind::of(&self.name, self.digest.head()))?;
        let ingest = self.ingest.clone();
        match self
            .finish_copy(&Terms::of(Source::Upload, wish), None)
            .await?
        {
            Ingested::Added(document) => Ok(*document),
            Ingested::Duplicate { existing, trashed } => {
                Err(IngestError::Duplicate { existing, trashed })
            }
            Ingested::Moved(id) | Ingested::Changed(id) | Ingested::Unchanged(id) => {
                let document = ingest.shared.store.read().await?.document(&id).await?;
                let document =
                    document.ok_or_else(|| IngestError::NotFound(format!("Document {id}")))?;
                if document.trashed_at.is_some() {
                    // Its original is there again; the person has to know where the document is.
                    return Err(IngestError::Duplicate {
                        existing: id,
                        trashed: true,
                    });
                }
                Ok(document)
            }
            Ingested::Skipped(_) => Err(IngestError::NotFound("The uploaded file".to_owned())),
        }
    }

    /// As [`Upload::finish`], for files of any kind; `modified` is the time of change to be kept.
    pub(crate) async fn finish_copy(
        mut self,
        terms: &Terms<'_>,
        modified: Option<std::time::SystemTime>,
    ) -> Result<Ingested, IngestError> {
        if self.digest.size() == 0 {
            return Err(IngestError::EmptyFile(self.name.clone()));
        }
        let hash = self.digest.hash();
        if let Some(duplicate) = self.present(&hash).await? {
            return Ok(duplicate);
        }
        self.sync(modified).await?;
        let (disk, _claim, stamp) = self.move_into_inbox().await?;
        let arrival = Arrival {
            kind: kind::of(&self.name, self.digest.head()),
            disk,
            size: stamp.size,
            modified_at: stamp.modified_at,
            hash,
        };
        self.ingest.record(&arrival, terms).await
    }

    /// The document that has this content, unless its original is gone: then the upload takes its place.
    async fn present(&self, hash: &str) -> Result<Option<Ingested>, IngestError> {
        let mut tx = self.ingest.shared.store.read().await?;
        let holder = tx.document_with_content(hash).await?;
        Ok(holder
            .filter(|document| document.missing_since.is_none())
            .filter(|document| {
                let path = document.path.as_deref().unwrap_or_default();
                !self
                    .ingest
                    .is_gone(&DiskPath::of_stored(path, document.path_raw.as_deref()))
            })
            .map(|document| Ingested::Duplicate {
                existing: document.id,
                trashed: document.trashed_at.is_some(),
            }))
    }

    async fn sync(&mut self, modified: Option<std::time::SystemTime>) -> Result<(), IngestError> {
        self.file
            .flush()
            .await
            .map_err(|error| self.failed(error))?;
        if let Some(time) = modified {
            let file = self
                .file
                .try_clone()
                .await
                .map_err(|error| self.failed(error))?;
            // A file system that keeps no times still keeps the content.
            let _ = file.into_std().await.set_modified(time);
        }
        self.file
            .sync_all()
            .await
            .map_err(|error| self.failed(error))
    }

    fn failed(&self, error: io::Error) -> IngestError {
        IngestError::io(&self.part.0, error)
    }

    /// Renames the file to the first free name. The claim keeps the watcher off it until it is stored.
    async fn move_into_inbox(
        &self,
    ) -> Result<(DiskPath, crate::ingest::InWork, Stamp), IngestError> {
        let size = i64::try_from(self.digest.size()).unwrap_or(i64::MAX);
        for n in 1..=MAX_SAME_NAME {
            let path = format!("{INBOX}/{}", names::numbered(&self.name, n));
            if self.is_taken(&path).await? {
                continue;
            }
            let disk = DiskPath::of_stored(&path, None);
            let Some(claim) = self.ingest.begin(&disk, size) else {
                continue;
            };
            let (from, to) = (self.part.0.clone(), disk.on(self.ingest.library()));
            let moved =
                blocking(move || rename_and_sync(&from, &to).map_err(|error| (to, error))).await;
            match moved {
                Ok(stamp) => return Ok((disk, claim, stamp)),
                Err((_, error)) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err((to, error)) => return Err(IngestError::io(&to, error)),
            }
        }
        Err(IngestError::InvalidName(self.name.clone()))
    }

    /// Whether a file or a missing document has that path.
    async fn is_taken(&self, path: &str) -> Result<bool, IngestError> {
        let mut tx = self.ingest.shared.store.read().await?;
        Ok(tx.file(path).await?.is_some() || tx.document_at(path).await?.is_some())
    }
}

fn refuse_quarantined(kind: model::FileType) -> Result<(), IngestError> {
    if kind.needs_conversion {
        return Err(IngestError::UnsupportedCodec(kind.extension.to_owned()));
    }
    Ok(())
}

/// Renames without replacing, and makes both folders' new entries last.
fn rename_and_sync(from: &Path, to: &Path) -> io::Result<Stamp> {
    rename_new(from, to)?;
    for folder in [to.parent(), from.parent()].into_iter().flatten() {
        sync_folder(folder)?;
    }
    Ok(Stamp::of(&std::fs::symlink_metadata(to)?))
}

/// Some network file systems sync no folders; the file itself is synced already.
fn sync_folder(folder: &Path) -> io::Result<()> {
    match std::fs::File::open(folder)?.sync_all() {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
            ) =>
        {
            Ok(())
        }
        other => other,
    }
}

fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // A file system without that flag (NFS, some SMB).
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS | rustix::io::Errno::NOTSUP) => {
            // A link never replaces what is there; NFS has links. The name it came from is removed as unfinished.
            match std::fs::hard_link(from, to) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {}
                linked => return linked,
            }
            if to.symlink_metadata().is_ok() {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            std::fs::rename(from, to)
        }
        Err(rustix::io::Errno::XDEV) => copy_new(from, to),
        other => other.map_err(io::Error::from),
    }
}

/// As [`rename_new`] where the folder is a mount of its own: copied beside its place, under a hidden name, and renamed there.
fn copy_new(from: &Path, to: &Path) -> io::Result<()> {
    let name = from.file_name().unwrap_or_default().to_string_lossy();
    let near = to.with_file_name(format!(".{name}"));
    let copied = std::fs::copy(from, &near)
        .and_then(|_| std::fs::File::open(&near)?.sync_all())
        .and_then(|()| rename_new(&near, to));
    // Still there after a link, or after a failure.
    let _ = std::fs::remove_file(&near);
    copied
}

fn make_folder(path: &Path) -> Result<(), IngestError> {
    std::fs::create_dir_all(path).map_err(|error| IngestError::io(path, error))
}

/// Removes unfinished uploads older than `old`; what cannot be removed stays for the next start.
fn clear_litter(uploads: &Path, old: model::Timestamp) {
    let Ok(entries) = std::fs::read_dir(uploads) else {
        return;
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        let is_part = path.extension().is_some_and(|extension| extension == PART);
        let is_old = || {
            path.symlink_metadata()
                .is_ok_and(|m| Stamp::of(&m).modified_at < old)
        };
        if is_part && is_old() {
            tracing::info!(path = %path.display(), "removing an upload that was never finished");
            let _ = std::fs::remove_file(&path);
        }
    }
}
