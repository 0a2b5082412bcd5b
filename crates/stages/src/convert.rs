//! convert: a playable copy of a video no browser plays. Asked for by a person, or by policy; the original stays as it is.

use std::sync::Arc;

use async_trait::async_trait;
use model::{Category, Document, DocumentPatch, Lane, StageSpec};
use queue::{Job, Outcome, Stage, StageError};

use crate::context::{StageContext, patch, spec, tool_error};

pub(crate) const SPEC: StageSpec = spec("convert", &[], Lane::Cpu, 1);

/// Folder below the derived files.
const FOLDER: &str = "converted";

pub(crate) struct Convert(pub Arc<StageContext>);

#[async_trait]
impl Stage for Convert {
    fn spec(&self) -> &'static StageSpec {
        &SPEC
    }

    fn wants(&self, document: &Document) -> bool {
        // Again where a copy was made before: derived files may be deleted.
        let is_asked_for = document.needs_conversion || document.preview_path.is_some();
        document.category == Category::Video && (is_asked_for || self.0.video.auto_convert)
    }

    async fn run(&self, job: &Job) -> Result<Outcome, StageError> {
        let tools = &self.0.tools;
        let path = self.0.original(&job.document).await?;
        let info = tools.probe(&path, &job.cancel).await;
        let info = info.map_err(|e| tool_error(&job.item, &e))?;
        if plays_as_it_is(&job.document, &info) {
            return Ok(Outcome::default());
        }
        let name = format!("{}.mp4", job.document.id);
        let file = self.0.derived_folder(FOLDER).await?.join(&name);
        tools
            .convert_video(
                &path,
                &info,
                &file,
                |done| job.set_progress(done),
                &job.cancel,
            )
            .await
            .map_err(|e| tool_error(&job.item, &e))?;
        let found = DocumentPatch {
            preview_path: Some(format!("{FOLDER}/{name}")),
            needs_conversion: Some(false),
            duration_s: info.duration_s,
            ..DocumentPatch::default()
        };
        Ok(vec![patch(found)].into())
    }
}

/// By policy it may be asked for before anybody knows what the video is.
fn plays_as_it_is(document: &Document, info: &tools::MediaInfo) -> bool {
    !document.needs_conversion && document.preview_path.is_none() && info.plays_in_browser()
}
