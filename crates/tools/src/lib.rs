//! Everything outside: programs (ffmpeg, poppler, tesseract, …) and services (speech). This is the only crate that starts
//! processes, and every one of them runs inside the [`Fence`].

mod budget;
mod convert;
mod draft_speech;
mod encoder;
mod error;
mod fence;
mod first_page;
mod html;
mod media;
mod ocr;
mod parse;
mod pcm;
mod pdf;
mod picture_size;
mod playable;
mod programs;
mod speech_client;
mod storyboard;
mod subtitles;
mod supervise;
pub mod text;
mod thumbnail;
mod toolbox;

pub use budget::{Allowance, Clock, TimeBudget, Unit};
pub use error::{Again, ToolError};
pub use fence::{Fence, Limits, Output, PROGRAM_PATH, Running};
pub use html::html_to_text;
pub use media::{AudioStream, MediaInfo, MediaTags, SubtitleStream, VideoStream};
pub use ocr::{OcrPage, OcrText};
pub use parse::{ParseKind, ParsedText, UnknownParseKind, parse_file, parse_main};
pub use pcm::{PcmStream, SAMPLE_RATE};
pub use pdf::PdfText;
pub use programs::Program;
pub use speech_client::{Patience, SpeechClient, SpeechReady, SpeechRequest, Transcript};
pub use storyboard::Storyboard;
pub use subtitles::{Cue, SubtitleFormat, SubtitleTrack, web_vtt};
pub use supervise::{ChildState, Supervise, Supervised};
pub use toolbox::{ToolLimits, Toolbox, ToolboxSettings, Work};
