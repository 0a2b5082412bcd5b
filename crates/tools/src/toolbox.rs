//! What the binary makes once and hands to everything that needs an outside program.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::OnceCell;

use crate::ToolError;
use crate::budget::{TimeBudget, Unit};
use crate::encoder::Encoder;
use crate::fence::{Fence, Limits, MIB};
use crate::programs::{self, Program};

/// What one kind of work may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work {
    /// Its time, by its size.
    pub time: TimeBudget,
    /// Address space of the program, in MiB.
    pub memory_mib: u64,
    /// What the program may give back, in MiB.
    pub output_mib: u64,
    /// The largest file it may write, in MiB.
    pub file_mib: u64,
}

impl Work {
    const fn new(time: TimeBudget) -> Self {
        Self {
            time,
            memory_mib: 1024,
            output_mib: 64,
            file_mib: 64,
        }
    }

    /// The limits of a run on so many units.
    pub fn limits(&self, units: f64) -> Limits {
        Limits {
            time: self.time.allow(units),
            cpu_s: None,
            memory_bytes: self.memory_mib * MIB,
            output_bytes: self.output_mib * MIB,
            file_bytes: self.file_mib * MIB,
        }
    }
}

/// Limits per kind of work; docs/limits.md explains them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToolLimits {
    /// Reading facts about a recording or video.
    pub probe: Work,
    /// Taking one picture out of a video.
    pub thumbnail: Work,
    /// Small pictures of a whole video on one sheet.
    pub storyboard: Work,
    /// Reading subtitles out of a video.
    pub subtitles: Work,
    /// Decoding a whole recording.
    pub decode: Work,
    /// Making a playable copy of a video.
    pub convert: Work,
    /// Parsing text and HTML in a child of our own.
    pub parse: Work,
    /// Facts of a PDF.
    pub pdf_facts: Work,
    /// Text of a PDF.
    pub pdf_text: Work,
    /// Drawing one page of a PDF.
    pub render_page: Work,
    /// Reading one picture of text.
    pub ocr_picture: Work,
    /// Pages of one PDF that are read by OCR at most.
    pub ocr_pages: usize,
    /// The draft engine on one part of a recording.
    pub draft_part: Work,
    /// Longest part of a recording that is given to the draft engine, in seconds.
    pub draft_part_s: usize,
}

/// Longest recording that is decoded: a day of 16 kHz mono f32.
const DECODED_MIB: u64 = 24 * 3600 * 16_000 * 4 / MIB;

/// Largest playable copy: 256 GiB.
const CONVERTED_MIB: u64 = 256 << 10;

impl Default for ToolLimits {
    fn default() -> Self {
        use Unit::{Megabyte, Megapixel, Page, SecondOfSound};
        // Many times what a small and busy machine with a slow network disk takes: these end what hangs, not what is slow.
        Self {
            probe: Work::new(TimeBudget::whole(30, 200, Megabyte)),
            thumbnail: Work {
                memory_mib: 2048,
                ..Work::new(TimeBudget::whole(60, 200, Megabyte))
            },
            // Its key frames, from end to end.
            storyboard: Work {
                memory_mib: 2048,
                ..Work::new(TimeBudget::whole(120, 1000, Megabyte))
            },
            subtitles: Work::new(TimeBudget::whole(60, 200, Megabyte)),
            decode: Work {
                memory_mib: 2048,
                output_mib: DECODED_MIB,
                ..Work::new(TimeBudget::still(60, 100, Megabyte))
            },
            convert: Work {
                memory_mib: 4096,
                file_mib: CONVERTED_MIB,
                // At the end the index is moved to the front, which reads and writes the whole file without a word.
                ..Work::new(TimeBudget::still(60, 500, Megabyte))
            },
            parse: Work {
                // JSON writes some characters as six.
                output_mib: 192,
                ..Work::new(TimeBudget::whole(30, 4000, Megabyte))
            },
            pdf_facts: Work::new(TimeBudget::whole(60, 1000, Megabyte)),
            pdf_text: Work::new(TimeBudget::whole(60, 5000, Page)),
            render_page: Work::new(TimeBudget::whole(60, 2000, Megabyte)),
            ocr_picture: Work {
                memory_mib: 2048,
                ..Work::new(TimeBudget::whole(60, 30_000, Megapixel))
            },
            ocr_pages: 200,
            draft_part: Work::new(TimeBudget::whole(60, 10_000, SecondOfSound)),
            draft_part_s: 120,
        }
    }
}

impl ToolLimits {
    /// Each kind of work by its name, for the docs.
    pub fn all(&self) -> [(&'static str, Work); 12] {
        [
            ("probe", self.probe),
            ("thumbnail", self.thumbnail),
            ("storyboard", self.storyboard),
            ("subtitles", self.subtitles),
            ("decode", self.decode),
            ("convert", self.convert),
            ("parse", self.parse),
            ("pdf_facts", self.pdf_facts),
            ("pdf_text", self.pdf_text),
            ("render_page", self.render_page),
            ("ocr_picture", self.ocr_picture),
            ("draft_part", self.draft_part),
        ]
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
    hardware: Arc<OnceCell<Option<&'static Encoder>>>,
}

impl Toolbox {
    /// A toolbox with these settings.
    pub fn new(settings: ToolboxSettings) -> Self {
        Self {
            settings: Arc::new(settings),
            hardware: Arc::default(),
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

    /// What encodes in hardware, once it has been found out.
    pub(crate) fn hardware(&self) -> &OnceCell<Option<&'static Encoder>> {
        &self.hardware
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

    /// A program for a kind of work of so many of its units.
    pub(crate) fn fence(
        &self,
        program: impl AsRef<std::ffi::OsStr>,
        work: Work,
        units: f64,
    ) -> Fence {
        Fence::new(program)
            .dir(&self.settings.scratch_dir)
            .limits(work.limits(units))
    }
}
