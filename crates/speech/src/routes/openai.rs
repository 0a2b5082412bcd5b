//! `POST /v1/audio/transcriptions`, as OpenAI's: any client of that service works with this one.

use axum::Json;
use axum::extract::{Multipart, State, multipart::MultipartRejection};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::transcribe::DEFAULT_BEAM_SIZE;
use super::upload::Upload;
use crate::engine::{Options, Segment};
use crate::error::SpeechError;
use crate::job::Transcript;
use crate::language::Language;
use crate::state::SpeechState;
use crate::subtitles::{srt, vtt};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Json,
    Text,
    Srt,
    Vtt,
    VerboseJson,
}

impl Format {
    fn parse(text: Option<&str>) -> Result<Self, SpeechError> {
        Ok(match text.unwrap_or("json") {
            "json" => Self::Json,
            "text" => Self::Text,
            "srt" => Self::Srt,
            "vtt" => Self::Vtt,
            "verbose_json" => Self::VerboseJson,
            other => {
                return Err(SpeechError::BadRequest(format!(
                    "The response_format {other:?} is unknown; it is json, text, srt, vtt or verbose_json."
                )));
            }
        })
    }
}

/// Which times verbose_json shows.
#[derive(Clone, Copy, Debug)]
struct Granularity {
    words: bool,
    segments: bool,
}

impl Granularity {
    fn parse(asked: &[String]) -> Result<Self, SpeechError> {
        if let Some(other) = asked
            .iter()
            .find(|g| !["word", "segment"].contains(&g.as_str()))
        {
            return Err(SpeechError::BadRequest(format!(
                "The timestamp granularity {other:?} is unknown; it is word or segment."
            )));
        }
        let words = asked.iter().any(|g| g == "word");
        let segments = asked.is_empty() || asked.iter().any(|g| g == "segment");
        Ok(Self { words, segments })
    }
}

/// Transcribes an uploaded file.
pub async fn transcriptions(
    State(state): State<SpeechState>,
    body: Result<Multipart, MultipartRejection>,
) -> Result<Response, SpeechError> {
    let body = body.map_err(|error| SpeechError::BadRequest(error.body_text()))?;
    let config = &state.config;
    let upload = Upload::read(body, config.upload_dir.as_deref(), config.max_upload_bytes).await?;
    let format = Format::parse(upload.response_format.as_deref())?;
    let granularity = Granularity::parse(&upload.granularities)?;
    let options = options(&upload)?;
    let file = upload
        .file
        .ok_or_else(|| SpeechError::BadRequest("The field \"file\" is missing.".to_owned()))?;
    let prepared = state.prepare(file.path().to_owned(), options).await?;
    let transcript = prepared.finish().await?;
    Ok(render(&transcript, format, granularity))
}

fn options(upload: &Upload) -> Result<Options, SpeechError> {
    let language = upload
        .language
        .as_deref()
        .map(str::trim)
        .filter(|l| !l.is_empty() && *l != "auto");
    Ok(Options {
        languages: language
            .map(Language::parse)
            .transpose()?
            .into_iter()
            .collect(),
        beam_size: DEFAULT_BEAM_SIZE,
        prompt: upload.prompt.clone(),
    })
}

fn render(transcript: &Transcript, format: Format, granularity: Granularity) -> Response {
    let plain = "text/plain; charset=utf-8";
    let as_text =
        |kind: &'static str, text: String| ([(header::CONTENT_TYPE, kind)], text).into_response();
    match format {
        Format::Json => Json(json!({"text": transcript.text()})).into_response(),
        Format::Text => as_text(plain, format!("{}\n", transcript.text())),
        Format::Srt => as_text(
            "application/x-subrip; charset=utf-8",
            srt(&transcript.segments),
        ),
        Format::Vtt => as_text("text/vtt; charset=utf-8", vtt(&transcript.segments)),
        Format::VerboseJson => Json(verbose(transcript, granularity)).into_response(),
    }
}

fn verbose(transcript: &Transcript, granularity: Granularity) -> Value {
    let mut value = json!({
        "task": "transcribe",
        "language": transcript.language.map(Language::name),
        "duration": transcript.duration,
        "text": transcript.text(),
    });
    if granularity.segments {
        value["segments"] = transcript
            .segments
            .iter()
            .enumerate()
            .map(verbose_segment)
            .collect();
    }
    if granularity.words {
        let words = transcript
            .segments
            .iter()
            .flat_map(|segment| &segment.words);
        value["words"] = words
            .map(|w| json!({"word": w.word, "start": w.start, "end": w.end}))
            .collect();
    }
    value
}

fn verbose_segment((id, segment): (usize, &Segment)) -> Value {
    json!({
        "id": id,
        "start": segment.start,
        "end": segment.end,
        "text": segment.text,
        // OpenAI's clients read a logarithm; zero has none, so the smallest probability stands for it.
        "avg_logprob": segment.confidence.max(f64::from(f32::MIN_POSITIVE)).ln(),
        "no_speech_prob": segment.no_speech,
    })
}
