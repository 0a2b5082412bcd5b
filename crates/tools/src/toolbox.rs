//! What the binary makes once and hands to everything that needs an outside program.

use std::path::PathBuf;
use std::sync::Arc;

use crate::ToolError;
use crate::fence::{Fence, Limits, MIB};
use crate::programs::{self, Program};

/// Limits per kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToolLimits {
    /// Reading facts about a recording or video.
    pub probe: Limits,
    /// Taking one picture out of a video.
    pub thumbnail: Limits,
    /// Decoding a whole recording.
    pub decode: Limits,
    /// Making a playable copy of a video; its time grows with the video's length.
    pub convert: Limits,
    /// Parsing text and HTML in a child of our own.
    pub parse: Limits,
    /// Facts and text of a PDF.
    pub pdf: Limits,
    /// Drawing one page of a PDF.
    pub render_page: Limits,
    /// Reading one picture of text.
    pub ocr_page: Limits,
    /// Pages of one PDF that are read by OCR at most.
    pub ocr_pages: usize,
    /// The draft engine on one part of a recording.
    pub draft_part: Limits,
    /// Longest part of a recording that is given to the draft engine, in seconds.
    pub draft_part_s: usize,
}

/// Longest recording that is decoded: a day. In bytes of 16 kHz mono f32.
const DECODED_BYTES: u64 = 24 * 3600 * 16_000 * 4;

/// Largest playable copy: 256 GiB.
const CONVERTED_BYTES: u64 = 256 << 30;

impl Default for ToolLimits {
    fn default() -> Self {
        let base = Limits::default();
        Self {
            convert: Limits {
                file_bytes: CONVERTED_BYTES,
                ..base.seconds(600).memory_mib(4096)
            },
            probe: base.seconds(30),
            thumbnail: base.seconds(60).memory_mib(2048),
            decode: Limits {
                output_bytes: DECODED_BYTES,
                ..base.seconds(3600).memory_mib(2048)
            },
            parse: Limits {
                // JSON writes some characters as six.
                output_bytes: 192 * MIB,
                ..base.seconds(60)
            },
            pdf: base.seconds(120),
            render_page: base.seconds(60),
            ocr_page: base.seconds(120).memory_mib(2048),
            ocr_pages: 200,
            draft_part: base.seconds(1200),
            draft_part_s: 120,
        }
    }
}

/// What the binary decides about the tools.
#[derive(Clone, Debug)]
pub struct ToolboxSettings {
    /// Our own executable, started again as the parse child.
    pub self_program: PathBuf,
    /// Folder for temporary files; made by the caller, emptied by nobody but the tools.
    pub scratch_dir: PathBuf,
    /// Languages of scans, as tesseract names them, joined by `+`.
    pub ocr_languages: String,
    /// Limits per kind of work.
    pub limits: ToolLimits,
}

impl ToolboxSettings {
    /// The defaults for an executable and a folder for temporary files.
    pub fn new(self_program: PathBuf, scratch_dir: PathBuf) -> Self {
        Self {
            self_program,
            scratch_dir,
            ocr_languages: "kor+eng".into(),
            limits: ToolLimits::default(),
        }
    }
}

/// All outside programs. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Toolbox {
    settings: Arc<ToolboxSettings>,
}

impl Toolbox {
    /// A toolbox with these settings.
    pub fn new(settings: ToolboxSettings) -> Self {
        Self {
            settings: Arc::new(settings),
        }
    }

    /// Every outside program, whether it is there, and how to get it.
    pub fn programs(&self) -> Vec<Program> {
        programs::programs()
    }

    /// What it was made with.
    pub fn settings(&self) -> &ToolboxSettings {
        &self.settings
    }

    pub(crate) fn limits(&self) -> &ToolLimits {
        &self.settings.limits
    }

    /// A folder for temporary files that is gone when it is dropped.
    pub(crate) fn scratch_folder(&self, prefix: &str) -> Result<tempfile::TempDir, ToolError> {
        let scratch = &self.settings.scratch_dir;
        tempfile::Builder::new()
            .prefix(prefix)
            .tempdir_in(scratch)
            .map_err(ToolError::io("cannot write to", scratch))
    }

    pub(crate) fn fence(&self, program: impl AsRef<std::ffi::OsStr>, limits: Limits) -> Fence {
        Fence::new(program)
            .dir(&self.settings.scratch_dir)
            .limits(limits)
    }
}
