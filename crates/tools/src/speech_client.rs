//! Client of the speech service: `GET /ready` and `POST /transcribe` as a stream of JSON lines.

mod wire;

use std::time::Duration;

use model::Segment;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Client, Response, StatusCode};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::wire::{Lines, Reading, Refusal};
use crate::budget::{Watch, seconds};
use crate::{Again, TimeBudget, ToolError, Unit};

/// Time to connect, and to answer `/ready`: no work hangs on it, and whoever does not answer is waited for.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// The stream says every 5 s that it is alive; after so long without a word the service counts as gone. Before the first word
/// it may have to load its model.
const SILENCE: Duration = Duration::from_secs(120);

/// How long the engine may stand still: it tells how far it is after each half minute of sound, for which a small machine with a
/// large model takes minutes, and it may have to end another recording first.
const STILL: TimeBudget = TimeBudget::still(1800, 500, Unit::SecondOfSound);

/// The media type of the stream.
const NDJSON: &str = "application/x-ndjson";

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
    /// How many seconds it is long, where that is known; not sent.
    #[serde(skip)]
    pub duration_s: Option<f64>,
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

/// How long a service is listened to that says nothing, and one that says nothing new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Without a word.
    pub silence: Duration,
    /// Without progress.
    pub still: TimeBudget,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            silence: SILENCE,
            still: STILL,
        }
    }
}

/// Talks to one speech service. Cheap to clone.
#[derive(Clone, Debug)]
pub struct SpeechClient {
    http: Client,
    endpoint: String,
    patience: Patience,
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
            patience: Patience::default(),
        })
    }

    /// The same client with another patience.
    pub fn with_patience(self, patience: Patience) -> Self {
        Self { patience, ..self }
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
        let response = tokio::time::timeout(self.patience.silence, sent).await;
        let response = response
            .map_err(|_| unavailable(&self.endpoint, &self.silence()))?
            .map_err(|error| unavailable(&self.endpoint, &error))?;
        if response.status() != StatusCode::OK {
            return Err(self.refusal(response).await);
        }
        self.listen(request, response, on_progress).await
    }

    /// Reads the answer as it comes.
    async fn listen(
        &self,
        request: &SpeechRequest,
        mut response: Response,
        on_progress: &mut (impl FnMut(f64) + Send),
    ) -> Result<Transcript, ToolError> {
        let is_stream = is_ndjson(&response);
        let still = self.patience.still.allow(request.duration_s.unwrap_or(0.0));
        let (mut lines, mut reading, mut watch) =
            (Lines::default(), Reading::default(), Watch::new(still));
        loop {
            let begun = Instant::now();
            let chunk = tokio::time::timeout(watch.left(), self.chunk(&mut response)).await;
            watch.spend(begun.elapsed());
            let chunk = chunk.map_err(|_| self.stalled(&watch, reading.has_begun()))??;
            let Some(chunk) = chunk else { break };
            lines.push(&chunk)?;
            while let Some(line) = lines.next(is_stream) {
                if reading.line(&line, on_progress)? {
                    watch.moved();
                }
            }
        }
        reading.line(&lines.rest(), on_progress)?;
        let transcript = reading.finish();
        transcript.ok_or_else(|| self.broke_off(&"it ended without a result"))
    }

    async fn chunk(&self, response: &mut Response) -> Result<Option<Vec<u8>>, ToolError> {
        let chunk = tokio::time::timeout(self.patience.silence, response.chunk()).await;
        let chunk = chunk.map_err(|_| self.broke_off(&self.silence()))?;
        let chunk = chunk.map_err(|error| self.broke_off(&error))?;
        Ok(chunk.map(|bytes| bytes.to_vec()))
    }

    fn silence(&self) -> String {
        format!("it said nothing for {}", seconds(self.patience.silence))
    }

    /// Before it has begun, others may be before us or the service hangs: that is waited for. Afterwards it is this recording.
    fn stalled(&self, watch: &Watch, has_begun: bool) -> ToolError {
        let allowance = watch.allowance();
        let (after, allowed) = (seconds(allowance.time()), allowance.to_string());
        if has_begun {
            return ToolError::Stalled {
                program: "The speech service".into(),
                after,
                allowed,
            };
        }
        let reason = format!("it did not begin within {after}: allowed are {allowed}");
        unavailable(&self.endpoint, &reason)
    }

    /// It had begun, and may well have died of this recording.
    fn broke_off(&self, reason: &dyn std::fmt::Display) -> ToolError {
        ToolError::Service {
            code: "stt_broke_off",
            message: format!(
                "The speech service at {} broke off in the middle ({reason}). Look into its log: it may have run out of memory, which a smaller model mends; then retry this.",
                self.endpoint
            ),
            again: Again::Once,
        }
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
        again: Again::Yes,
    }
}
