//! The outside programs, what each is for, and how to get one that is missing.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::ToolError;
use crate::fence::PROGRAM_PATH;

/// An outside program, for `seogo doctor` and the status page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Program {
    /// Its file name.
    pub name: &'static str,
    /// What cannot be done without it.
    pub needed_for: &'static str,
    /// The Debian packages that hold it with what it needs.
    pub package: &'static str,
    /// Where it is; `None` when it is not installed.
    pub found: Option<PathBuf>,
    /// The command that installs it.
    pub mend: String,
}

const KNOWN: [(&str, &str, &str); 7] = [
    (
        "ffmpeg",
        "sound and pictures of recordings and videos",
        "ffmpeg",
    ),
    ("ffprobe", "facts about recordings and videos", "ffmpeg"),
    ("pdfinfo", "facts about PDF files", "poppler-utils"),
    ("pdftotext", "text of PDF files", "poppler-utils"),
    ("pdftoppm", "page pictures of PDF files", "poppler-utils"),
    (
        "tesseract",
        "text of scans and pictures",
        "tesseract-ocr tesseract-ocr-kor tesseract-ocr-eng",
    ),
    (
        "pocketsphinx_batch",
        "draft transcripts (English) while there is no speech model",
        "pocketsphinx pocketsphinx-en-us",
    ),
];

/// Every outside program and whether it is there.
pub fn programs() -> Vec<Program> {
    KNOWN
        .iter()
        .map(|&(name, needed_for, package)| Program {
            name,
            needed_for,
            package,
            found: find(name),
            mend: format!("apt install {package}"),
        })
        .collect()
}

/// Where a program is.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    PROGRAM_PATH
        .split(':')
        .map(|folder| Path::new(folder).join(name))
        .find(|path| path.is_file())
}

/// The error for a program that is not there.
pub(crate) fn missing(name: &str) -> ToolError {
    let package = KNOWN.iter().find(|known| known.0 == name);
    ToolError::Missing {
        program: name.to_owned(),
        mend: match package {
            Some((_, _, package)) => format!("apt install {package}"),
            None => format!("install {name}"),
        },
    }
}
