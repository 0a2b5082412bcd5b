//! The command line's way in: files and folders named by a person.

use std::path::{Path, PathBuf};

use model::Source;
use tokio::io::AsyncReadExt;
use walkdir::WalkDir;

use crate::content::{BUFFER_BYTES, Stamp, blocking};
use crate::names::DiskPath;
use crate::skip::is_hidden_or_partial;
use crate::take_in::Terms;
use crate::{Ingest, IngestError, Ingested, SkipReason, Wish};
use model::Priority;

/// One step of [`Ingest::add_paths`].
#[derive(Debug)]
pub struct AddProgress<'a> {
    /// Files done, this one included.
    pub done: usize,
    /// Files there are.
    pub total: usize,
    /// This one.
    pub path: &'a Path,
    /// What became of it.
    pub outcome: &'a Result<Ingested, IngestError>,
}

/// What [`Ingest::add_paths`] did.
#[derive(Debug, Default)]
pub struct AddSummary {
    /// New documents.
    pub added: usize,
    /// Known already, here or elsewhere.
    pub known: usize,
    /// Moved to, or changed at, where they are now.
    pub updated: usize,
    /// Still being written, or vanished meanwhile.
    pub skipped: usize,
    /// What failed, and why.
    pub failed: Vec<(PathBuf, IngestError)>,
}

impl Ingest {
    /// Takes in one file: in place where it lies below the library, else as a copy in `Inbox/`. A person waits for it.
    ///
    /// # Errors
    /// The file cannot be read, is empty (a copy), is a folder; there is no room; the database refuses.
    pub async fn add_path(&self, path: &Path) -> Result<Ingested, IngestError> {
        self.add_one(path, Priority::Person).await
    }

    /// Takes in files, and folders with all they hold (hidden and half-written files aside); tells `progress` after each file.
    pub async fn add_paths(
        &self,
        paths: &[PathBuf],
        mut progress: impl FnMut(AddProgress<'_>) + Send,
    ) -> AddSummary {
        let named = paths.to_vec();
        let (files, failed) = blocking(move || list_files(&named)).await;
        let mut summary = AddSummary {
            failed,
            ..AddSummary::default()
        };
        let total = files.len();
        let priority = if total > 1 {
            Priority::Bulk
        } else {
            Priority::Person
        };
        for (n, path) in files.into_iter().enumerate() {
            let outcome = self.add_one(&path, priority).await;
            progress(AddProgress {
                done: n + 1,
                total,
                path: &path,
                outcome: &outcome,
            });
            summary.count(path, outcome);
        }
        summary
    }

    async fn add_one(&self, path: &Path, priority: Priority) -> Result<Ingested, IngestError> {
        let (given, library) = (path.to_owned(), self.library().to_owned());
        let (real, below) = blocking(move || {
            let real =
                std::fs::canonicalize(&given).map_err(|error| IngestError::io(&given, error))?;
            let below = std::fs::canonicalize(library)
                .ok()
                .and_then(|root| DiskPath::below(&root, &real));
            Ok::<_, IngestError>((real, below))
        })
        .await?;
        let stamp = stamp_of_file(&real)?;
        let wish = Wish::default();
        let terms = Terms {
            source: Source::Cli,
            wish: &wish,
            priority,
        };
        match below {
            Some(disk) => self.take_in_on(stamp.found(disk), &terms).await,
            None => self.copy_in(&real, stamp, &terms).await,
        }
    }

    /// Copies a file from elsewhere the way an upload comes in; the original stays where it is.
    async fn copy_in(
        &self,
        path: &Path,
        stamp: Stamp,
        terms: &Terms<'_>,
    ) -> Result<Ingested, IngestError> {
        let failed = |error| IngestError::io(path, error);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let mut file = tokio::fs::File::open(path).await.map_err(failed)?;
        let modified = file
            .metadata()
            .await
            .and_then(|metadata| metadata.modified())
            .ok();
        let mut copy = self.begin_copy(&name, u64::MAX).await?;
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            let n = file.read(&mut buffer).await.map_err(failed)?;
            if n == 0 {
                break;
            }
            copy.write(&buffer[..n]).await?;
        }
        if stamp_of_file(path)? != stamp {
            return Ok(Ingested::Skipped(SkipReason::StillWritten));
        }
        copy.finish_copy(terms, modified).await
    }
}

impl AddSummary {
    fn count(&mut self, path: PathBuf, outcome: Result<Ingested, IngestError>) {
        match outcome {
            Ok(Ingested::Added(_)) => self.added += 1,
            Ok(Ingested::Duplicate { .. } | Ingested::Unchanged(_)) => self.known += 1,
            Ok(Ingested::Moved(_) | Ingested::Changed(_)) => self.updated += 1,
            Ok(Ingested::Skipped(_)) => self.skipped += 1,
            Err(error) => self.failed.push((path, error)),
        }
    }
}

fn stamp_of_file(path: &Path) -> Result<Stamp, IngestError> {
    let metadata = std::fs::metadata(path).map_err(|error| IngestError::io(path, error))?;
    if metadata.is_file() {
        return Ok(Stamp::of(&metadata));
    }
    let cause = std::io::Error::new(std::io::ErrorKind::InvalidInput, "not a plain file");
    Err(IngestError::io(path, cause))
}

/// Every file that is meant, in order, and what could not be looked into. A file named itself is meant whatever its name.
fn list_files(paths: &[PathBuf]) -> (Vec<PathBuf>, Vec<(PathBuf, IngestError)>) {
    let (mut files, mut failed) = (Vec::new(), Vec::new());
    for path in paths {
        let entries = WalkDir::new(path)
            .sort_by_file_name()
            .into_iter()
            .filter_entry(|entry| {
                entry.depth() == 0 || !is_hidden_or_partial(&entry.file_name().to_string_lossy())
            });
        for entry in entries {
            match entry {
                Ok(entry)
                    if entry.file_type().is_file()
                        || (entry.depth() == 0 && entry.path_is_symlink()) =>
                {
                    files.push(entry.into_path());
                }
                Ok(_) => {}
                Err(error) => {
                    let at = error.path().unwrap_or(path).to_owned();
                    let cause = error
                        .into_io_error()
                        .unwrap_or_else(|| std::io::ErrorKind::Other.into());
                    failed.push((at.clone(), IngestError::io(&at, cause)));
                }
            }
        }
    }
    (files, failed)
}
