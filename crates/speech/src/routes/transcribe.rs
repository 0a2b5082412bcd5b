//! `POST /transcribe`: a file below the roots, as one JSON answer or as a stream of lines.

use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::engine::{MAX_BEAM_SIZE, Options, Segment};
use crate::error::SpeechError;
use crate::job::{Event, Transcript};
use crate::language::Language;
use crate::resolve::resolve;
use crate::state::{Prepared, SpeechState};

/// Beams where the request names none; whisper's own default.
pub(super) const DEFAULT_BEAM_SIZE: u8 = 5;
const NDJSON: &str = "application/x-ndjson";
/// A stream says at least this often that it is alive: a half minute of sound can take minutes on a small machine.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// Lines that wait for a slow reader before the writer waits too.
const LINES_AHEAD: usize = 64;

/// The body of the request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct TranscribeRequest {
    file_path: String,
    #[serde(default)]
    langs: Option<Vec<String>>,
    #[serde(default)]
    beam_size: Option<u64>,
    #[serde(default)]
    prompt: Option<String>,
}

impl TranscribeRequest {
    fn parse(body: &[u8]) -> Result<Self, SpeechError> {
        serde_json::from_slice(body).map_err(|error| {
            SpeechError::BadRequest(format!(
                "The body must be JSON such as {{\"filePath\": \"Recordings/a.m4a\", \"langs\": [\"ko\", \"en\"], \"beamSize\": 5}}: {error}."
            ))
        })
    }

    fn options(&self) -> Result<Options, SpeechError> {
        let langs = self.langs.iter().flatten().filter(|lang| *lang != "auto");
        Ok(Options {
            languages: langs
                .map(|lang| Language::parse(lang))
                .collect::<Result<_, _>>()?,
            beam_size: beam_size(self.beam_size)?,
            prompt: self.prompt.clone(),
        })
    }
}

fn beam_size(asked: Option<u64>) -> Result<u8, SpeechError> {
    match asked {
        None => Ok(DEFAULT_BEAM_SIZE),
        Some(beams) => u8::try_from(beams)
            .ok()
            .filter(|beams| (1..=MAX_BEAM_SIZE).contains(beams))
            .ok_or_else(|| {
                SpeechError::BadRequest(format!(
                    "beamSize must be 1 to {MAX_BEAM_SIZE}, not {beams}."
                ))
            }),
    }
}

/// Transcribes a file of the library.
pub async fn transcribe(
    State(state): State<SpeechState>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, SpeechError> {
    let body = body.map_err(|error| SpeechError::BadRequest(error.body_text()))?;
    let request = TranscribeRequest::parse(&body)?;
    let options = request.options()?;
    let roots = state.config.roots.clone();
    let path = tokio::task::spawn_blocking(move || resolve(&roots, &request.file_path))
        .await
        .map_err(|error| SpeechError::Io(error.to_string()))??;
    let prepared = state.prepare(path, options).await?;
    if wants_stream(&headers) {
        return Ok(([(header::CONTENT_TYPE, NDJSON)], stream(prepared)).into_response());
    }
    Ok(Json(answer(&prepared.finish().await?)).into_response())
}

fn wants_stream(headers: &HeaderMap) -> bool {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains(NDJSON))
}

fn answer(transcript: &Transcript) -> Value {
    let plain = |s: &Segment| json!({"start": s.start, "end": s.end, "text": s.text});
    json!({
        "text": transcript.text(),
        "language": transcript.language.map(Language::code),
        "duration": transcript.duration,
        "segments": transcript.segments.iter().map(plain).collect::<Vec<_>>(),
    })
}

/// The stream of a running transcription. Whoever drops it stops the engine.
fn stream(prepared: Prepared) -> Body {
    let (lines, mut written) = mpsc::channel(LINES_AHEAD);
    tokio::spawn(write_lines(prepared, lines));
    Body::from_stream(
        futures::stream::poll_fn(move |cx| written.poll_recv(cx)).map(Ok::<_, Infallible>),
    )
}

async fn write_lines(prepared: Prepared, lines: mpsc::Sender<Bytes>) {
    let Prepared {
        job,
        mut told,
        line,
    } = prepared;
    let _stop = job.cancel.clone().drop_guard();
    let mut work = pin!(job.run(line));
    let mut beat = tokio::time::interval(HEARTBEAT);
    let mut progress = Event::Progress(0.0);
    let outcome = loop {
        let event = tokio::select! {
            biased;
            () = lines.closed() => return,
            Some(event) = told.recv() => event,
            outcome = &mut work => break outcome,
            _ = beat.tick() => progress.clone(),
        };
        if matches!(event, Event::Progress(_)) {
            progress = event.clone();
        }
        if lines.send(json_line(&event_json(&event))).await.is_err() {
            return;
        }
    };
    while let Ok(event) = told.try_recv() {
        let _ = lines.send(json_line(&event_json(&event))).await;
    }
    let _ = lines.send(json_line(&end_json(&outcome))).await;
}

fn json_line(value: &Value) -> Bytes {
    Bytes::from(format!("{value}\n"))
}

fn event_json(event: &Event) -> Value {
    match event {
        Event::Progress(part) => {
            json!({"type": "progress", "progress": (f64::from(*part) * 1000.0).round() / 1000.0})
        }
        Event::Segment(s) => json!({
            "type": "segment", "start": s.start, "end": s.end, "text": s.text, "words": s.words, "confidence": s.confidence,
        }),
    }
}

fn end_json(outcome: &Result<Transcript, SpeechError>) -> Value {
    match outcome {
        Ok(transcript) => json!({
            "type": "done",
            "text": transcript.text(),
            "language": transcript.language.map(Language::code),
            "duration": transcript.duration,
        }),
        Err(error) => {
            json!({"type": "error", "error_code": error.code(), "message": error.to_string()})
        }
    }
}
