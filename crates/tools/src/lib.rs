//! Everything outside: programs (ffmpeg, poppler, tesseract, …) and services (speech). This is the only crate that starts
//! processes, and every one of them runs inside the [`Fence`].

mod error;
mod fence;
mod media;
mod pcm;
mod programs;
mod thumbnail;
mod toolbox;

pub use error::ToolError;
pub use fence::{Fence, Limits, Output, PROGRAM_PATH, Running};
pub use media::{AudioStream, MediaInfo, MediaTags, VideoStream};
pub use pcm::{PcmStream, SAMPLE_RATE};
pub use programs::Program;
pub use toolbox::{ToolLimits, Toolbox, ToolboxSettings};
