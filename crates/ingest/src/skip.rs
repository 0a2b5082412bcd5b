//! What is left alone: hidden and half-written files, the litter of NAS boxes, ignored patterns, the music library.

use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use model::name;

use crate::names::{DiskPath, base};
use crate::{IngestConfig, IngestError};

/// Endings of files that are still being written by somebody.
const PARTIAL_ENDINGS: &[&str] = &[
    ".part",
    ".partial",
    ".crdownload",
    ".download",
    ".opdownload",
    ".tmp",
    ".temp",
    ".filepart",
    ".swp",
    ".!ut",
    ".aria2",
    "~",
];

/// Beginnings of temporary names: Office lock files, Syncthing on Windows.
const TEMPORARY_BEGINNINGS: &[&str] = &["~$", "~syncthing~", "._"];

/// Folders and files that systems leave about.
const LITTER: &[&str] = &[
    "@eadir",
    "@tmp",
    "#recycle",
    "#snapshot",
    "$recycle.bin",
    "system volume information",
    "lost+found",
    "thumbs.db",
    "desktop.ini",
    "ehthumbs.db",
];

/// Tells what a scan passes by.
pub(crate) struct SkipRules {
    whole: GlobSet,
    by_name: GlobSet,
    prefixes: Vec<String>,
}

impl SkipRules {
    pub(crate) fn new(config: &IngestConfig) -> Result<Self, IngestError> {
        let (whole, by_name): (Vec<&String>, Vec<&String>) =
            config.ignore.iter().partition(|glob| glob.contains('/'));
        Ok(Self {
            whole: globs(&whole)?,
            by_name: globs(&by_name)?,
            prefixes: config
                .skip_prefixes
                .iter()
                .filter_map(|prefix| relative_prefix(&config.library, prefix))
                .collect(),
        })
    }

    /// Whether the file or folder at that path is passed by (and a folder's content with it).
    pub(crate) fn skips(&self, disk: &DiskPath) -> bool {
        let path = disk.stored();
        let file_name = base(&path);
        is_hidden_or_partial(file_name)
            || self.by_name.is_match(file_name)
            || self.whole.is_match(&path)
            || self.prefixes.iter().any(|prefix| is_below(&path, prefix))
    }

    /// Whether any part of the path is passed by: for paths that come from an event and not from a walk.
    pub(crate) fn skips_any_part(&self, disk: &DiskPath) -> bool {
        let mut part = Some(Path::new(disk.as_os_str()));
        while let Some(path) = part {
            if DiskPath::new(path).is_some_and(|disk| self.skips(&disk)) {
                return true;
            }
            part = path.parent();
        }
        false
    }
}

fn globs(patterns: &[&String]) -> Result<GlobSet, IngestError> {
    let invalid = |glob: &str, error: globset::Error| IngestError::InvalidGlob {
        glob: glob.to_owned(),
        reason: error.kind().to_string(),
    };
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let pattern = name::nfc(pattern.trim_start_matches('/'));
        let glob = GlobBuilder::new(&pattern)
            .literal_separator(true)
            .build()
            .map_err(|error| invalid(&pattern, error))?;
        set.add(glob);
    }
    set.build()
        .map_err(|error| invalid("the patterns together", error))
}

/// The prefix as a stored path. A folder outside the library needs no skipping, unless a link makes it lie inside.
fn relative_prefix(library: &Path, prefix: &Path) -> Option<String> {
    let absolute = library.join(prefix);
    let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let nfc = |path: PathBuf| name::nfc(&path.to_string_lossy());
    let (library, absolute) = [
        (library.to_owned(), absolute.clone()),
        (real(library), real(&absolute)),
    ]
    .into_iter()
    .map(|(library, absolute)| (nfc(library), nfc(absolute)))
    .find(|(library, absolute)| is_below(absolute, library))?;
    let rest = absolute[library.len()..].trim_matches('/');
    (!rest.is_empty()).then(|| rest.to_owned())
}

/// Whether `path` is `prefix` or lies below it.
fn is_below(path: &str, prefix: &str) -> bool {
    let prefix = prefix.trim_end_matches('/');
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

pub(crate) fn is_hidden_or_partial(file_name: &str) -> bool {
    let lower = file_name.to_lowercase();
    lower.starts_with('.')
        || TEMPORARY_BEGINNINGS
            .iter()
            .any(|start| lower.starts_with(start))
        || PARTIAL_ENDINGS.iter().any(|end| lower.ends_with(end))
        || LITTER.contains(&lower.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(ignore: &[&str], prefixes: &[&str]) -> SkipRules {
        let mut config = IngestConfig::new("/library");
        config.ignore = ignore.iter().map(|glob| (*glob).to_owned()).collect();
        config.skip_prefixes = prefixes.iter().map(PathBuf::from).collect();
        SkipRules::new(&config).unwrap()
    }

    fn skips(rules: &SkipRules, path: &str) -> bool {
        rules.skips_any_part(&DiskPath::new(Path::new(path)).unwrap())
    }

    #[test]
    fn hidden_partial_and_littered_files_are_passed_by() {
        let rules = rules(&[], &[]);
        for path in [
            "Inbox/.DS_Store",
            "Inbox/._a.pdf",
            "Inbox/a.pdf.part",
            "Inbox/a.crdownload",
            "Inbox/~$report.docx",
            "Inbox/Thumbs.db",
            "Inbox/@eaDir/a.pdf/x",
            "Inbox/.seogo/x",
            "Inbox/.syncthing.a.pdf.tmp",
            "Inbox/.a.pdf.Xy12Zq",
            "Inbox/a.txt~",
        ] {
            assert!(skips(&rules, path), "{path}");
        }
        for path in ["Inbox/a.pdf", "Inbox/part one.pdf", "Inbox/회의 ~ 결과.pdf"] {
            assert!(!skips(&rules, path), "{path}");
        }
    }

    #[test]
    fn globs_match_names_or_whole_paths_in_either_normal_form() {
        let rules = rules(&["*.iso", "Inbox/비밀/**", "Videos/*/raw"], &[]);
        assert!(skips(&rules, "Inbox/deep/down/x.iso"));
        assert!(skips(&rules, &name::nfd("Inbox/비밀/a/b.pdf")));
        assert!(skips(&rules, "Videos/2024/raw/a.mp4"));
        assert!(!skips(&rules, "Videos/a/b/raw.mp4"));
        assert!(!skips(&rules, "Inbox/비밀.pdf"));
    }

    #[test]
    fn a_glob_that_cannot_be_read_is_named() {
        let mut config = IngestConfig::new("/library");
        config.ignore = vec!["[".to_owned()];
        let error = SkipRules::new(&config).err().unwrap();
        assert!(error.to_string().contains("\"[\""), "{error}");
    }

    #[test]
    fn a_music_library_is_skipped_however_it_is_named() {
        for prefix in ["Recordings/Roon", "/library/Recordings/Roon/"] {
            let rules = rules(&[], &[prefix]);
            assert!(skips(&rules, "Recordings/Roon/Bach/01.flac"), "{prefix}");
            assert!(!skips(&rules, "Recordings/Roon 회의.mp3"), "{prefix}");
        }
        assert!(!skips(&rules(&[], &["/music"]), "Inbox/a.mp3"));
    }
}
