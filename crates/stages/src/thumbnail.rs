//! thumbnail: one frame at half of a video's duration. A leaf.

use std::sync::Arc;

use async_trait::async_trait;
use model::{Category, Document, DocumentPatch, Lane, StageSpec};
use queue::{Job, Outcome, Stage, StageError};

use crate::context::{StageContext, patch, spec, tool_error};

const SPEC: StageSpec = StageSpec {
    at_ingest: true,
    ..spec("thumbnail", &["convert"], Lane::Cpu, 3)
};

/// Folder below the derived files.
const FOLDER: &str = "thumbnails";

pub(crate) struct Thumbnail(pub Arc<StageContext>);

#[async_trait]
impl Stage for Thumbnail {
    fn spec(&self) -> &'static StageSpec {
        &SPEC
    }

    fn wants(&self, document: &Document) -> bool {
        document.category == Category::Video && !document.needs_conversion
    }

    async fn run(&self, job: &Job) -> Result<Outcome, StageError> {
        let path = self.0.original(&job.document).await?;
        let info = self
            .0
            .tools
            .probe(&path, &job.cancel)
            .await
            .map_err(|e| tool_error(&job.item, &e))?;
        let name = format!("{}.jpg", job.document.id);
        let file = self.0.derived_folder(FOLDER).await?.join(&name);
        self.0
            .tools
            .thumbnail(&path, &info, &file, &job.cancel)
            .await
            .map_err(|e| tool_error(&job.item, &e))?;
        let size = info.video.as_ref().map(tools::VideoStream::shown_size);
        let found = DocumentPatch {
            thumbnail_path: Some(format!("{FOLDER}/{name}")),
            duration_s: info.duration_s,
            width: size.map(|(width, _)| width),
            height: size.map(|(_, height)| height),
            ..DocumentPatch::default()
        };
        Ok(vec![patch(found)].into())
    }
}
