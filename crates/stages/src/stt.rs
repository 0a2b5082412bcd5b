//! stt: speech to text with seconds, through the speech service.
//!
//! While no model is there, the draft engine makes a first transcript at once; the row goes on waiting and is done again by
//! itself when the model is there.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use model::{Category, Document, DocumentPatch, Lane, Segment, StageSpec, Write};
use queue::{Job, Outcome, Stage, StageError};
use tools::{MediaInfo, SpeechRequest, ToolError};

use crate::context::{
    StageContext, WAIT_SPEECH_MODEL, WAIT_SPEECH_SERVICE, first, patch, tool_error,
};

pub(crate) const SPEC: StageSpec = first("stt", Lane::Gpu, 1);

/// Beams the engine follows; whisper's own default.
const BEAM_SIZE: u8 = 5;

pub(crate) struct Stt(pub Arc<StageContext>);

#[async_trait]
impl Stage for Stt {
    fn spec(&self) -> &'static StageSpec {
        &SPEC
    }

    fn wants(&self, document: &Document) -> bool {
        // A video's sound only where a person or a policy asks for it.
        matches!(document.category, Category::Audio | Category::Video)
    }

    async fn run(&self, job: &Job) -> Result<Outcome, StageError> {
        let path = self.0.original(&job.document).await?;
        let info = self.probe(job, &path).await?;
        if job.document.category == Category::Video && info.audio.is_none() {
            // A silent film is nothing to complain of.
            return Ok(Outcome::default());
        }
        match self.missing().await {
            None => Ok(self.transcribe(job, &info).await?.into()),
            Some(absent) => Err(StageError::Wait {
                waiting_for: absent.name.to_owned(),
                meanwhile: self.draft(job, &path, &info).await?,
                message: absent.message,
            }),
        }
    }
}

/// What keeps the speech service from transcribing now.
struct Absent {
    name: &'static str,
    message: String,
}

impl Stt {
    async fn probe(&self, job: &Job, path: &Path) -> Result<MediaInfo, StageError> {
        let info = self.0.tools.probe(path, &job.cancel).await;
        let info = info.map_err(|e| tool_error(&job.item, &e))?;
        if info.audio.is_none() && job.document.category != Category::Video {
            return Err(StageError::fail(
                "no_audio",
                "There is no sound in this file. If it plays elsewhere, convert it to mp3, m4a or wav and add that.",
            ));
        }
        Ok(info)
    }

    async fn missing(&self) -> Option<Absent> {
        match self.0.speech.ready().await {
            Ok(ready) if ready.ready => None,
            Ok(_) => Some(Absent {
                name: WAIT_SPEECH_MODEL,
                message: "No speech model is installed yet. Get one with: seogo models pull".into(),
            }),
            Err(error) => Some(Absent {
                name: WAIT_SPEECH_SERVICE,
                message: format!(
                    "The speech service does not answer ({error}). It is looked for again."
                ),
            }),
        }
    }

    async fn transcribe(&self, job: &Job, info: &MediaInfo) -> Result<Vec<Write>, StageError> {
        let request = SpeechRequest {
            file_path: job.document.path.clone().unwrap_or_default(),
            langs: self.0.languages.clone(),
            beam_size: BEAM_SIZE,
            duration_s: info.duration_s,
        };
        let transcript = self
            .0
            .speech
            .transcribe(&request, |done| job.set_progress(done), &job.cancel)
            .await
            .map_err(|error| speech_error(job, &error))?;
        let found = DocumentPatch {
            language: transcript.language.clone(),
            duration_s: transcript.duration_s.or(info.duration_s),
            transcript_draft: Some(false),
            ..self.facts(info)
        };
        Ok(writes(transcript.segments, found))
    }

    /// A first transcript, unless there is one already or the draft engine is not there.
    async fn draft(
        &self,
        job: &Job,
        path: &Path,
        info: &MediaInfo,
    ) -> Result<Option<Vec<Write>>, StageError> {
        if !self.0.text(&job.document).await?.is_empty() || job.document.transcript_draft {
            return Ok(None);
        }
        let segments = self
            .0
            .tools
            .draft_transcript(path, |done| job.set_progress(done), &job.cancel)
            .await;
        let segments = match segments {
            Ok(segments) => segments,
            // The draft is a help, not the work: without its engine the work simply waits.
            Err(ToolError::Missing { .. }) => return Ok(None),
            Err(error) => return Err(tool_error(&job.item, &error)),
        };
        let found = DocumentPatch {
            transcript_draft: Some(true),
            ..self.facts(info)
        };
        Ok(Some(writes(segments, found)))
    }

    fn facts(&self, info: &MediaInfo) -> DocumentPatch {
        DocumentPatch {
            title: info.tags.title.clone().filter(|t| t.trim().len() > 2),
            duration_s: info.duration_s,
            ..DocumentPatch::default()
        }
    }
}

/// The transcript as lines, and as one text of one line each.
fn writes(segments: Vec<Segment>, found: DocumentPatch) -> Vec<Write> {
    let lines: Vec<_> = segments.iter().map(|s| s.text.trim()).collect();
    let text = lines.join("\n");
    vec![
        patch(DocumentPatch {
            extracted_text: Some(text),
            ..found
        }),
        Write::Segments(segments),
    ]
}

fn speech_error(job: &Job, error: &ToolError) -> StageError {
    match error.code() {
        "model_not_loaded" => StageError::wait(WAIT_SPEECH_MODEL, error),
        "stt_unavailable" => StageError::wait(WAIT_SPEECH_SERVICE, error),
        _ => tool_error(&job.item, error),
    }
}
