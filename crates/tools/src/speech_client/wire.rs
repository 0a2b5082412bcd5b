//! What the speech service says: JSON lines in the course of a transcription, or one answer.

use model::Segment;
use serde::Deserialize;

use super::Transcript;
use crate::{Again, ToolError};

/// Longest line of the stream, in bytes.
const LONGEST_LINE: usize = 16 * 1024 * 1024;

/// Codes that the service gives; others become `service_error`.
const CODES: [&str; 10] = [
    "bad_request",
    "outside_roots",
    "not_found",
    "too_large",
    "no_audio",
    "model_not_loaded",
    "tool_missing",
    "cancelled",
    "engine_failed",
    "internal",
];

/// Bytes that are cut into lines.
#[derive(Default)]
pub(super) struct Lines(Vec<u8>);

impl Lines {
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), ToolError> {
        self.0.extend_from_slice(bytes);
        if self.0.len() > LONGEST_LINE {
            return Err(ToolError::Service {
                code: "service_error",
                message: "The speech service gave an answer that is too long.".into(),
                again: Again::No,
            });
        }
        Ok(())
    }

    /// The next whole line of a stream; an answer that is no stream is one piece.
    pub(super) fn next(&mut self, is_stream: bool) -> Option<Vec<u8>> {
        let end = self.0.iter().position(|&byte| byte == b'\n');
        let end = end.filter(|_| is_stream)?;
        let rest = self.0.split_off(end + 1);
        Some(std::mem::replace(&mut self.0, rest))
    }

    pub(super) fn rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.0)
    }
}

/// What the service says in the course of a transcription. Unknown kinds are skipped.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Event {
    Progress {
        progress: f64,
    },
    Segment(Line),
    Done(Done),
    Error(Refusal),
    #[serde(other)]
    Unknown,
}

#[derive(Deserialize)]
struct Line {
    start: f64,
    end: f64,
    text: String,
    #[serde(default)]
    words: Option<serde_json::Value>,
    #[serde(default)]
    confidence: Option<f64>,
}

/// The end of a stream, or the whole answer of a service that does not stream.
#[derive(Deserialize)]
struct Done {
    text: String,
    #[serde(default)]
    language: Option<String>,
    #[serde(default)]
    duration: Option<f64>,
    #[serde(default)]
    segments: Vec<Line>,
}

#[derive(Deserialize)]
pub(super) struct Refusal {
    error_code: String,
    message: String,
}

impl From<Line> for Segment {
    fn from(line: Line) -> Self {
        Self {
            start_s: line.start,
            end_s: line.end.max(line.start),
            text: line.text,
            words: line
                .words
                .filter(|words| words.as_array().is_some_and(|w| !w.is_empty())),
            confidence: line.confidence,
        }
    }
}

impl From<Refusal> for ToolError {
    fn from(refusal: Refusal) -> Self {
        let known = CODES.into_iter().find(|code| *code == refusal.error_code);
        let (code, message) = (known.unwrap_or("service_error"), refusal.message);
        match code {
            "no_audio" => Self::BadInput { code, message },
            _ => Self::Service {
                code,
                message,
                again: match code {
                    "model_not_loaded" | "tool_missing" | "cancelled" | "internal"
                    | "service_error" => Again::Yes,
                    "engine_failed" => Again::Once,
                    _ => Again::No,
                },
            },
        }
    }
}

/// The transcript as it comes in.
#[derive(Default)]
pub(super) struct Reading {
    segments: Vec<Segment>,
    progress: f64,
    done: Option<Done>,
}

impl Reading {
    /// Takes a line and says whether the work got on since the one before: the service repeats itself to show that it is there.
    pub(super) fn line(
        &mut self,
        line: &[u8],
        on_progress: &mut impl FnMut(f64),
    ) -> Result<bool, ToolError> {
        if line.trim_ascii().is_empty() {
            return Ok(false);
        }
        match parse(line)? {
            Event::Progress { progress } => {
                on_progress(progress.clamp(0.0, 1.0));
                let moved = progress > self.progress;
                self.progress = self.progress.max(progress);
                return Ok(moved);
            }
            Event::Segment(line) => self.segments.push(line.into()),
            Event::Done(done) => self.done = Some(done),
            Event::Error(refusal) => return Err(refusal.into()),
            Event::Unknown => return Ok(false),
        }
        Ok(true)
    }

    /// Whether anything was done at all.
    pub(super) fn has_begun(&self) -> bool {
        self.progress > 0.0 || !self.segments.is_empty()
    }

    /// The transcript; `None` where the end never came.
    pub(super) fn finish(self) -> Option<Transcript> {
        let done = self.done?;
        let mut segments = self.segments;
        segments.extend(done.segments.into_iter().map(Segment::from));
        segments.sort_by(|a, b| a.start_s.total_cmp(&b.start_s));
        Some(Transcript {
            text: done.text,
            language: done.language,
            duration_s: done.duration,
            segments,
        })
    }
}

/// A line of the stream, or (without a `type`) the whole answer.
fn parse(line: &[u8]) -> Result<Event, ToolError> {
    let value = serde_json::from_slice::<serde_json::Value>(line).map_err(unreadable)?;
    if value.get("type").is_none() {
        return serde_json::from_value(value)
            .map(Event::Done)
            .map_err(unreadable);
    }
    serde_json::from_value(value).map_err(unreadable)
}

fn unreadable(error: serde_json::Error) -> ToolError {
    ToolError::Service {
        code: "service_error",
        message: format!(
            "The speech service gave an answer that cannot be read ({error}). Use the same version of Seogo on both sides."
        ),
        again: Again::Yes,
    }
}
