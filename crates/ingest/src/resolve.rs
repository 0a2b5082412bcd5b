//! Finds the original of a document on disk, however its name is spelt there.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use model::{Document, name};

use crate::IngestError;
use crate::names::DiskPath;

/// The original of `document` below `root`: as its raw bytes say, as stored, in NFC, in NFD, and then part by part through
/// each folder entry whose NFC form is the same. Touches the disk.
///
/// # Errors
/// `not_found` where there is none (a note has none), `invalid_name` where the path leads out of the library.
pub fn resolve_below(root: &Path, document: &Document) -> Result<PathBuf, IngestError> {
    let Some(path) = &document.path else {
        return Err(IngestError::NotFound(format!(
            "An original of {:?}",
            document.title
        )));
    };
    let spellings = [
        Some(DiskPath::of_stored(path, document.path_raw.as_deref())),
        Some(DiskPath::of_stored(path, None)),
        Some(DiskPath::of_stored(&name::nfc(path), None)),
        Some(DiskPath::of_stored(&name::nfd(path), None)),
    ];
    for spelling in spellings.into_iter().flatten() {
        let candidate = spelling.on(root);
        check_plain(&candidate, root, path)?;
        if exists(&candidate) {
            return stay_inside(root, candidate, path);
        }
    }
    let parts: Vec<&str> = path.split('/').collect();
    match walk(root.to_owned(), &parts) {
        Some(found) => stay_inside(root, found, path),
        None => Err(IngestError::NotFound(path.clone())),
    }
}

/// Refuses a stored path that is absolute or steps upward, before the disk is asked.
fn check_plain(candidate: &Path, root: &Path, path: &str) -> Result<(), IngestError> {
    let plain = candidate.strip_prefix(root).is_ok_and(|rest| {
        rest.components()
            .all(|part| matches!(part, Component::Normal(_)))
    });
    if plain {
        Ok(())
    } else {
        Err(IngestError::InvalidName(path.to_owned()))
    }
}

fn exists(path: &Path) -> bool {
    // Anything but "not there" is worth an error message of its own when the file is opened.
    !matches!(std::fs::symlink_metadata(path), Err(error) if is_absent(&error))
}

/// Whether the error says that the file is not there (and not that it could not be looked at).
pub(crate) fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidFilename
    )
}

/// Two folders may differ in their normal form alone, so each is tried.
fn walk(folder: PathBuf, parts: &[&str]) -> Option<PathBuf> {
    let (part, rest) = parts.split_first()?;
    let wanted = name::nfc(part);
    let entries = std::fs::read_dir(&folder).ok()?;
    entries
        .flatten()
        .map(|entry| entry.file_name())
        .filter(|entry| shown(entry) == wanted)
        .find_map(|entry| {
            let path = folder.join(entry);
            if rest.is_empty() {
                Some(path)
            } else {
                walk(path, rest)
            }
        })
}

fn shown(entry: &OsStr) -> String {
    DiskPath::of_stored("", Some(entry.as_bytes())).stored()
}

/// A symbolic link must not lead out of the library.
fn stay_inside(root: &Path, found: PathBuf, path: &str) -> Result<PathBuf, IngestError> {
    let real_root = std::fs::canonicalize(root).map_err(|error| IngestError::io(root, error))?;
    let real = std::fs::canonicalize(&found).map_err(|error| IngestError::io(&found, error))?;
    if real.starts_with(real_root) {
        Ok(found)
    } else {
        Err(IngestError::InvalidName(path.to_owned()))
    }
}
