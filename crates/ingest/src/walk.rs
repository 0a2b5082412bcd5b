//! Walks a folder of the library and lists what lies there.

use std::io;
use std::path::Path;

use walkdir::WalkDir;

use crate::FoundFile;
use crate::content::Stamp;
use crate::names::DiskPath;
use crate::skip::SkipRules;

/// What a walk saw.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    /// Files that are not passed by.
    pub(crate) files: Vec<FoundFile>,
    /// Folders that could not be read; nothing is known of what lies below them now.
    pub(crate) unreadable: Vec<DiskPath>,
    /// Why the folder as a whole could not be walked, for people.
    pub(crate) problem: Option<String>,
    /// The folder holds nothing whatsoever.
    pub(crate) empty: bool,
}

/// Walks `folder` below `root`; symbolic links are not followed. Touches the disk only.
pub(crate) fn walk(root: &Path, folder: &DiskPath, skip: &SkipRules) -> Walk {
    let start = folder.on(root);
    let mut walk = Walk::default();
    match look_at(root, &start) {
        Ok(empty) => walk.empty = empty,
        Err(problem) => {
            walk.problem = Some(problem);
            return walk;
        }
    }
    let entries = WalkDir::new(&start)
        .min_depth(1)
        .into_iter()
        .filter_entry(|entry| {
            DiskPath::below(root, entry.path()).is_some_and(|disk| !skip.skips(&disk))
        });
    for entry in entries {
        let found = entry.and_then(|entry| found_file(root, &entry));
        match found {
            Ok(Some(file)) => walk.files.push(file),
            Ok(None) => {}
            Err(error) => walk.note_error(root, &error),
        }
    }
    walk
}

/// Whether the folder is empty; else why it cannot be walked.
fn look_at(root: &Path, start: &Path) -> Result<bool, String> {
    let shown = start.display();
    let real = std::fs::canonicalize(start)
        .map_err(|error| format!("{shown} cannot be opened: {error}"))?;
    let real_root = std::fs::canonicalize(root)
        .map_err(|error| format!("{} cannot be opened: {error}", root.display()))?;
    if !real.starts_with(real_root) {
        return Err(format!(
            "{shown} is a symbolic link that leads out of the library; mount the folder there instead (mount --bind)"
        ));
    }
    let mut entries =
        std::fs::read_dir(start).map_err(|error| format!("{shown} cannot be read: {error}"))?;
    Ok(entries.next().is_none())
}

fn found_file(root: &Path, entry: &walkdir::DirEntry) -> walkdir::Result<Option<FoundFile>> {
    if !entry.file_type().is_file() {
        return Ok(None);
    }
    let stamp = Stamp::of(&entry.metadata()?);
    Ok(DiskPath::below(root, entry.path()).map(|disk| stamp.found(disk)))
}

impl Walk {
    fn note_error(&mut self, root: &Path, error: &walkdir::Error) {
        let gone = error
            .io_error()
            .is_some_and(|cause| cause.kind() == io::ErrorKind::NotFound);
        if gone && error.depth() > 0 {
            return;
        }
        match error
            .path()
            .filter(|_| error.depth() > 0)
            .and_then(|path| DiskPath::below(root, path))
        {
            Some(disk) => self.unreadable.push(disk),
            None => self.problem = Some(error.to_string()),
        }
    }
}
