//! Client of the speech service: `GET /ready` and `POST /transcribe` as a stream of JSON lines.

use std::time::Duration;

use model::Segment;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Client, Response, StatusCode};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::ToolError;

/// Time to connect, and to answer `/ready`.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// The stream says at least every few seconds that it is alive; after so long without a word the service counts as gone.
const IDLE: Duration = Duration::from_secs(120);

/// Longest line of the stream, in bytes.
const LONGEST_LINE: usize = 16 * 1024 * 1024;

/// The media type of the stream.
const NDJSON: &str = "application/x-ndjson";

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

/// What `/ready` says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SpeechReady {
    /// A transcription would begin at once.
    pub ready: bool,
    /// It computes on a GPU.
    pub cuda: bool,
    /// GPUs.
    pub device_count: u32,
    /// A model is loaded.
    pub model_loaded: bool,
    /// Its name.
    pub model: Option<String>,
    /// What is missing, where it is not ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// What is to be transcribed.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SpeechRequest {
    /// Relative to the library.
    pub file_path: String,
    /// Languages to expect, such as `ko` and `en`; empty for any.
    pub langs: Vec<String>,
    /// Beams to follow.
    pub beam_size: u8,
}

/// A whole transcript.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Transcript {
    /// Everything that was said.
    pub text: String,
    /// Language, where the service tells it.
    pub language: Option<String>,
    /// Seconds, where the service tells it.
    pub duration_s: Option<f64>,
    /// Its lines, in order.
    pub segments: Vec<Segment>,
}

/// Talks to one speech service. Cheap to clone.
#[derive(Clone, Debug)]
pub struct SpeechClient {
    http: Client,
    endpoint: String,
    idle: Duration,
}

impl SpeechClient {
    /// A client of the service at `endpoint`, such as `http://127.0.0.1:3300`. Nothing is asked yet.
    pub fn new(endpoint: &str) -> Result<Self, ToolError> {
        // Whoever comes first installs it; a second time is no harm.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let endpoint = endpoint.trim_end_matches('/').to_owned();
        let http = Client::builder()
            .connect_timeout(ANSWER_WITHIN)
            .build()
            .map_err(|error| unavailable(&endpoint, &error))?;
        Ok(Self {
            http,
            endpoint,
            idle: IDLE,
        })
    }

    /// The same client with another patience for a service that says nothing.
    pub fn with_idle(self, idle: Duration) -> Self {
        Self { idle, ..self }
    }

    /// Where the service is.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Whether the service would begin. A service that says no is an answer; one that does not answer is an error
    /// (`stt_unavailable`).
    pub async fn ready(&self) -> Result<SpeechReady, ToolError> {
        let request = self.http.get(format!("{}/ready", self.endpoint));
        let response = request.timeout(ANSWER_WITHIN).send().await;
        let response = response.map_err(|error| unavailable(&self.endpoint, &error))?;
        if !matches!(
            response.status(),
            StatusCode::OK | StatusCode::SERVICE_UNAVAILABLE
        ) {
            return Err(self.refusal(response).await);
        }
        response
            .json()
            .await
            .map_err(|error| unavailable(&self.endpoint, &error))
    }

    /// Transcribes a file of the library. `on_progress` is told the share that is done, 0 to 1. Dropping the call or cancelling closes
    /// the connection, which stops the service's work.
    pub async fn transcribe(
        &self,
        request: &SpeechRequest,
        mut on_progress: impl FnMut(f64) + Send,
        cancel: &CancellationToken,
    ) -> Result<Transcript, ToolError> {
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(ToolError::Cancelled { program: "the transcription".into() }),
            transcript = self.stream(request, &mut on_progress) => transcript,
        }
    }

    async fn stream(
        &self,
        request: &SpeechRequest,
        on_progress: &mut (impl FnMut(f64) + Send),
    ) -> Result<Transcript, ToolError> {
        let post = self.http.post(format!("{}/transcribe", self.endpoint));
        let sent = post.header(ACCEPT, NDJSON).json(request).send();
        let mut response = self
            .within_idle(sent)
            .await?
            .map_err(|error| unavailable(&self.endpoint, &error))?;
        if response.status() != StatusCode::OK {
            return Err(self.refusal(response).await);
        }
        let is_stream = is_ndjson(&response);
        let (mut lines, mut reading) = (Lines::default(), Reading::default());
        while let Some(chunk) = self.chunk(&mut response).await? {
            lines.push(&chunk)?;
            while let Some(line) = lines.next(is_stream) {
                reading.line(&line, on_progress)?;
            }
        }
        reading.line(&lines.rest(), on_progress)?;
        reading.finish(&self.endpoint)
    }

    async fn chunk(&self, response: &mut Response) -> Result<Option<Vec<u8>>, ToolError> {
        let chunk = self.within_idle(response.chunk()).await?;
        let chunk = chunk.map_err(|error| unavailable(&self.endpoint, &error))?;
        Ok(chunk.map(|bytes| bytes.to_vec()))
    }

    async fn within_idle<T>(&self, work: impl Future<Output = T>) -> Result<T, ToolError> {
        tokio::time::timeout(self.idle, work).await.map_err(|_| {
            let silence = format!("it said nothing for {} s", self.idle.as_secs());
            unavailable(&self.endpoint, &silence)
        })
    }

    /// What the service gave as its reason.
    async fn refusal(&self, response: Response) -> ToolError {
        let status = response.status();
        let text = tokio::time::timeout(ANSWER_WITHIN, response.text()).await;
        let text = text.ok().and_then(Result::ok).unwrap_or_default();
        match serde_json::from_str::<Refusal>(&text) {
            Ok(refusal) => refusal.into(),
            Err(_) => unavailable(&self.endpoint, &format!("it answered {status}")),
        }
    }
}

fn is_ndjson(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(NDJSON.as_bytes()))
}

fn unavailable(endpoint: &str, reason: &dyn std::fmt::Display) -> ToolError {
    ToolError::Service {
        code: "stt_unavailable",
        message: format!(
            "The speech service at {endpoint} does not answer ({reason}). Start it with `seogo speech`, or correct SEOGO_STT_ENDPOINT; the transcription goes on by itself then."
        ),
        retryable: true,
    }
}

/// Bytes that are cut into lines.
#[derive(Default)]
struct Lines(Vec<u8>);

impl Lines {
    fn push(&mut self, bytes: &[u8]) -> Result<(), ToolError> {
        self.0.extend_from_slice(bytes);
        if self.0.len() > LONGEST_LINE {
            return Err(ToolError::Service {
                code: "service_error",
                message: "The speech service gave an answer that is too long.".into(),
                retryable: false,
            });
        }
        Ok(())
    }

    /// The next whole line of a stream; an answer that is no stream is one piece.
    fn next(&mut self, is_stream: bool) -> Option<Vec<u8>> {
        let end = self.0.iter().position(|&byte| byte == b'\n');
        let end = end.filter(|_| is_stream)?;
        let rest = self.0.split_off(end + 1);
        Some(std::mem::replace(&mut self.0, rest))
    }

    fn rest(&mut self) -> Vec<u8> {
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
struct Refusal {
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
                retryable: matches!(
                    code,
                    "model_not_loaded"
                        | "tool_missing"
                        | "cancelled"
                        | "engine_failed"
                        | "internal"
                        | "service_error"
                ),
            },
        }
    }
}

/// The transcript as it comes in.
#[derive(Default)]
struct Reading {
    segments: Vec<Segment>,
    done: Option<Done>,
}

impl Reading {
    fn line(&mut self, line: &[u8], on_progress: &mut impl FnMut(f64)) -> Result<(), ToolError> {
        if line.trim_ascii().is_empty() {
            return Ok(());
        }
        match parse(line)? {
            Event::Progress { progress } => on_progress(progress.clamp(0.0, 1.0)),
            Event::Segment(line) => self.segments.push(line.into()),
            Event::Done(done) => self.done = Some(done),
            Event::Error(refusal) => return Err(refusal.into()),
            Event::Unknown => {}
        }
        Ok(())
    }

    fn finish(self, endpoint: &str) -> Result<Transcript, ToolError> {
        let Some(done) = self.done else {
            return Err(unavailable(endpoint, &"it broke off in the middle"));
        };
        let mut segments = self.segments;
        segments.extend(done.segments.into_iter().map(Segment::from));
        segments.sort_by(|a, b| a.start_s.total_cmp(&b.start_s));
        Ok(Transcript {
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
        retryable: true,
    }
}
